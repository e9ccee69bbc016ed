// A function on net/http; see node.ts.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

var (
	lock sync.Mutex
	seen []string
)

func function(answer http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	lock.Lock()
	defer lock.Unlock()
	if request.URL.Path == "/seen" {
		io.WriteString(answer, strings.Join(seen, "\n"))
		return
	}
	seen = append(seen, string(body))
	switch request.URL.Path {
	case "/empty":
		answer.WriteHeader(204)
	case "/error":
		answer.WriteHeader(500)
		io.WriteString(answer, "it failed")
	case "/chunked":
		io.WriteString(answer, "one")
		answer.(http.Flusher).Flush()
		io.WriteString(answer, "two")
	case "/large":
		io.WriteString(answer, strings.Repeat("x", 200_000))
	case "/close":
		answer.Header().Set("connection", "close")
		io.WriteString(answer, "bye")
	default:
		io.WriteString(answer, "ok")
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	server := &http.Server{Handler: http.HandlerFunc(function), IdleTimeout: 2 * time.Second}
	panic(server.Serve(listener))
}
