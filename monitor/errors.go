package monitor

import "errors"

var errSlow = errors.New("the reader is too slow")
