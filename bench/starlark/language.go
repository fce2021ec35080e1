// starlark PROGRAMS ROUNDS: a line of name, value and processor microseconds for each, the median.
// Built by bench/run where Debian's golang-go and golang-starlark-dev are installed.
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"syscall"

	"go.starlark.net/resolve"
	"go.starlark.net/starlark"
)

// All threads count, the collector's too.
func processorMicroseconds() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1000
}

func main() {
	resolve.AllowRecursion = true
	resolve.AllowLambda = true
	resolve.AllowNestedDef = true
	rounds, _ := strconv.Atoi(os.Args[2])
	thread := &starlark.Thread{Name: "bench"}
	globals, err := starlark.ExecFile(thread, os.Args[1], nil, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, name := range globals.Keys() {
		function, ok := globals[name].(*starlark.Function)
		if !ok || function.NumParams() > 0 {
			continue
		}
		var times []float64
		var value starlark.Value
		for i := 0; i < rounds; i++ {
			began := processorMicroseconds()
			if value, err = starlark.Call(thread, function, nil, nil); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			times = append(times, processorMicroseconds()-began)
		}
		sort.Float64s(times)
		fmt.Printf("%s %s %.1f\n", name, value.String(), times[rounds/2])
	}
}
