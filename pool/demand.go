package pool

import "time"

// demand remembers how many cells were taken in each second of the last minute.
type demand struct {
	second [60]int64 // which second the count is of
	count  [60]int
}

func (d *demand) taken(now time.Time) {
	at := now.Unix()
	if i := at % 60; d.second[i] != at {
		d.second[i], d.count[i] = at, 1
	} else {
		d.count[i]++
	}
}

// refill is about how long a burst has to be served from what is ready: building goes on beside it.
const refill = 50 * time.Millisecond

// peak is how many cells the busiest second of the last minute took in the time of a refill,
// rounded up.
func (d *demand) peak(now time.Time) int {
	most := 0
	for i, at := range d.second {
		if now.Unix()-at < 60 {
			most = max(most, d.count[i])
		}
	}
	return (most*int(refill/time.Millisecond) + 999) / 1000
}
