package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/server/client"
)

// requests returns METHOD /path of every request that the methods of Client make when they are
// called with made-up arguments, and the methods.
func requests(t *testing.T) map[string][]string {
	t.Helper()
	var mu sync.Mutex
	made := map[string][]string{}
	now := ""
	daemon := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		made[r.Method+" "+r.URL.EscapedPath()] = append(made[r.Method+" "+r.URL.EscapedPath()], now)
		_, _ = w.Write([]byte("{}\n"))
	}))
	defer daemon.Close()
	c, err := client.Dial(daemon.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	v := reflect.ValueOf(c)
	for i := range v.NumMethod() {
		method := v.Type().Method(i)
		if method.Name == "Do" || method.Name == "MCP" { // of no route in particular
			continue
		}
		mu.Lock()
		now = method.Name
		mu.Unlock()
		var in []reflect.Value
		for a := 1; a < method.Type.NumIn(); a++ {
			in = append(in, argumentOf(ctx, method.Type.In(a)))
		}
		v.Method(i).Call(in)
	}
	return made
}

func argumentOf(ctx context.Context, of reflect.Type) reflect.Value {
	switch {
	case of == reflect.TypeFor[context.Context]():
		return reflect.ValueOf(ctx)
	case of.Kind() == reflect.String:
		return reflect.ValueOf("an/id").Convert(of)
	case of.Kind() == reflect.Func: // for what comes in a stream
		return reflect.MakeFunc(of, func([]reflect.Value) []reflect.Value {
			return []reflect.Value{reflect.Zero(reflect.TypeFor[error]())}
		})
	case of.Kind() == reflect.Struct && of.Name() == "Rule":
		v := reflect.New(of).Elem()
		if id := v.FieldByName("ID"); id.IsValid() {
			id.SetString("an/id")
		}
		return v
	}
	return reflect.Zero(of)
}

func TestEveryRouteHasAMethodOfTheClient(t *testing.T) {
	made := requests(t)
	d := start(t, folder(t), "")
	parameter := regexp.MustCompile(`\{\w+\}`)
	for path, operations := range openAPI(t, d).Paths {
		for method := range operations {
			method = strings.ToUpper(method)
			key := method + " " + parameter.ReplaceAllString(path, "an%2Fid")
			if made[key] == nil && path != "/v1/docs" { // a page for people
				t.Errorf("no method asks %s %s", method, path)
			}
			delete(made, key)
		}
	}
	for key, methods := range made {
		t.Errorf("%s asks %s, which the daemon does not have", strings.Join(methods, ", "), key)
	}
}
