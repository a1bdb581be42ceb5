package clientconfig

import (
	"bytes"
	"errors"

	"github.com/pelletier/go-toml/v2/unstable"
)

// parseTOML reads TOML 1.0. Tables become objects, wherever their headers are.
func parseTOML(data []byte) (*node, error) {
	p := unstable.Parser{}
	text := bytes.Clone(data)
	if mark := []byte("\xef\xbb\xbf"); bytes.HasPrefix(text, mark) {
		copy(text, "   ")
	}
	p.Reset(text)
	root := &node{kind: kindObject, lines: true}
	table := root
	for p.NextExpression() {
		e := p.Expression()
		var err error
		switch e.Kind {
		case unstable.KeyValue:
			err = table.addPair(data, &p, e)
		case unstable.Table, unstable.ArrayTable:
			table, err = root.table(data, e)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := p.Error(); err != nil {
		var at *unstable.ParserError
		if errors.As(err, &at) {
			return nil, faultAt(data, offsetOf(&p, at), "%s", at.Message)
		}
		return nil, faultAt(data, 0, "%s", err.Error())
	}
	return root, nil
}

func offsetOf(p *unstable.Parser, at *unstable.ParserError) int {
	if len(at.Highlight) == 0 {
		return len(p.Data())
	}
	return int(p.Range(at.Highlight).Offset)
}

// descend finds or creates the object below n that all keys but the last one name.
func (n *node) descend(data []byte, keys unstable.Iterator) (in *node, last *unstable.Node,
	err error) {
	in = n
	for keys.Next() {
		if last != nil {
			if in, err = in.child(data, last, false); err != nil {
				return nil, nil, err
			}
		}
		last = keys.Node()
	}
	return in, last, nil
}

// child returns the object below n that a key names. With fresh it adds a new one to the list.
func (n *node) child(data []byte, key *unstable.Node, fresh bool) (*node, error) {
	name, at := string(key.Data), int(key.Raw.Offset)
	v := n.get(name)
	if v == nil {
		v = &node{kind: kindObject, start: at, end: at, lines: true}
		if fresh {
			v.kind = kindArray
		}
		n.members = append(n.members, member{name, at, v})
	}
	switch {
	case fresh && v.kind == kindArray:
		v.items = append(v.items, &node{kind: kindObject, start: at, end: at, lines: true})
		return v.items[len(v.items)-1], nil
	case v.kind == kindArray && len(v.items) > 0 && v.items[len(v.items)-1].kind == kindObject:
		return v.items[len(v.items)-1], nil
	case v.kind != kindObject || fresh:
		return nil, faultAt(data, at, "%q occurs twice", name)
	}
	return v, nil
}

func (n *node) table(data []byte, e *unstable.Node) (*node, error) {
	in, last, err := n.descend(data, e.Key())
	if err != nil {
		return nil, err
	}
	t, err := in.child(data, last, e.Kind == unstable.ArrayTable)
	if err == nil {
		t.start = int(last.Raw.Offset)
		t.end = t.start
	}
	return t, err
}

func (n *node) addPair(data []byte, p *unstable.Parser, e *unstable.Node) error {
	in, last, err := n.descend(data, e.Key())
	if err != nil {
		return err
	}
	whole := bytes.TrimRight(data[e.Raw.Offset:e.Raw.Offset+e.Raw.Length], " \t\r\n")
	from := int(last.Raw.Offset + last.Raw.Length)
	from += bytes.IndexByte(data[from:], '=') + 1
	from += len(data[from:]) - len(bytes.TrimLeft(data[from:], " \t"))
	v := tomlValue(data, p, e.Value(), from, int(e.Raw.Offset)+len(whole))
	first := int(e.Raw.Offset)
	if len(in.members) == 0 {
		in.start = first
	}
	in.end = v.end
	in.members = append(in.members, member{string(last.Data), first, v})
	return nil
}

// tomlValue returns the value at data[start:end].
func tomlValue(data []byte, p *unstable.Parser, v *unstable.Node, start, end int) *node {
	n := &node{start: start, end: end}
	switch v.Kind {
	case unstable.String:
		n.kind, n.text = kindString, string(v.Data)
	case unstable.Array:
		n.kind = kindArray
		for at := v.Children(); at.Next(); {
			item := at.Node()
			if item.Kind == unstable.Comment {
				continue
			}
			from, to := int(item.Raw.Offset), int(item.Raw.Offset+item.Raw.Length)
			n.items = append(n.items, tomlValue(data, p, item, from, to))
		}
	case unstable.InlineTable:
		n.kind = kindObject
		for at := v.Children(); at.Next(); {
			if pair := at.Node(); pair.Kind == unstable.KeyValue {
				// The parser or once reports an error.
				_ = n.addPair(data, p, pair)
			}
		}
		n.start, n.end = start, end
	default:
		n.text = string(data[start:end])
	}
	return n
}
