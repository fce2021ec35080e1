// plan FILE EVENT [COUNT]: the plan of a workflow in Starlark as JSON, or processor microseconds per evaluation.
// A stand-in for the plue module, as peer_plue.py is for CPython: results that are not known are expressions
// that grow by attributes; a decision on one ends the evaluation.
// Built by bench/run where Debian's golang-go and golang-starlark-dev are installed.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"go.starlark.net/starlark"
)

type fields map[string]interface{}

// What a step will give: an expression.
type deferred struct{ text string }

type stopped struct{ on string }

func (d deferred) String() string        { return "{" + d.text + "}" }
func (d deferred) Type() string          { return "deferred" }
func (d deferred) Freeze()               {}
func (d deferred) Truth() starlark.Bool  { panic(stopped{d.text}) }
func (d deferred) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable") }
func (d deferred) AttrNames() []string   { return nil }
func (d deferred) Attr(name string) (starlark.Value, error) {
	return deferred{d.text + "." + name}, nil
}

type record struct {
	kind  string
	attrs starlark.StringDict
	id    string // of a step's handle
}

func (r *record) String() string        { return r.kind }
func (r *record) Type() string          { return r.kind }
func (r *record) Freeze()               {}
func (r *record) Truth() starlark.Bool  { return true }
func (r *record) Hash() (uint32, error) { return 0, fmt.Errorf("unhashable") }
func (r *record) AttrNames() []string   { return r.attrs.Keys() }
func (r *record) Attr(name string) (starlark.Value, error) {
	if r.id != "" {
		return deferred{"steps." + r.id + "." + name}, nil
	}
	if v, ok := r.attrs[name]; ok {
		return v, nil
	}
	return starlark.None, nil
}

func plain(v starlark.Value) interface{} {
	switch v := v.(type) {
	case nil, starlark.NoneType:
		return nil
	case starlark.String:
		return string(v)
	case starlark.Bool:
		return bool(v)
	case starlark.Int:
		i, _ := v.Int64()
		return i
	case deferred:
		return fields{"$expr": v.text}
	case *starlark.Dict:
		out := fields{}
		for _, item := range v.Items() {
			out[string(item[0].(starlark.String))] = plain(item[1])
		}
		return out
	case *record:
		out := fields{"type": v.kind}
		for name, value := range v.attrs {
			out[name] = plain(value)
		}
		return out
	case starlark.Iterable:
		out := []interface{}{}
		iter := v.Iterate()
		defer iter.Done()
		for item := starlark.Value(nil); iter.Next(&item); {
			out = append(out, plain(item))
		}
		return out
	}
	return v.String()
}

var duration = regexp.MustCompile(`^(\d+)([smhd])$`)

func milliseconds(v starlark.Value) interface{} {
	text, ok := v.(starlark.String)
	if !ok {
		return nil
	}
	parts := duration.FindStringSubmatch(string(text))
	n, _ := strconv.ParseInt(parts[1], 10, 64)
	return n * map[string]int64{"s": 1000, "m": 60000, "h": 3600000, "d": 86400000}[parts[2]]
}

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

type planner struct {
	steps    []fields
	before   []string
	slugs    map[string]int
	groups   int
	triggers interface{}
	function starlark.Value
}

func (p *planner) add(name, kind string, config fields, depends []string) *record {
	id := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
	p.slugs[id]++
	if n := p.slugs[id]; n > 1 {
		id = fmt.Sprintf("%s-%d", id, n)
	}
	p.steps = append(p.steps, fields{"id": id, "name": name, "type": kind, "config": config, "depends_on": depends})
	return &record{kind: "step", id: id}
}

func ids(v starlark.Value) []string {
	if one, ok := v.(*record); ok {
		return []string{one.id}
	}
	list, out := v.(*starlark.List), []string{}
	for i := 0; i < list.Len(); i++ {
		out = append(out, list.Index(i).(*record).id)
	}
	return out
}

func (p *planner) run(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var name, cmd string
	var env, cwd, depends, cache, timeout, artifacts starlark.Value
	retries, proceed, when := 0, false, "on_success"
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &name, "cmd", &cmd, "env?", &env, "cwd?", &cwd,
		"depends_on?", &depends, "cache?", &cache, "timeout?", &timeout, "retries?", &retries,
		"continue_on_error?", &proceed, "when?", &when, "artifacts?", &artifacts); err != nil {
		return nil, err
	}
	before := p.before
	if depends != nil {
		before = ids(depends)
	}
	handle := p.add(name, "shell", fields{
		"cmd": cmd, "env": plain(env), "cwd": plain(cwd), "shell": nil, "image": nil, "network": nil,
		"cache": plain(cache), "artifacts": plain(artifacts), "outputs": nil, "timeout_ms": milliseconds(timeout),
		"retries": retries, "continue_on_error": proceed, "when": when, "idempotent": true}, before)
	p.before = []string{handle.id}
	return handle, nil
}

func (p *planner) parallel(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var steps *starlark.List
	var limit starlark.Value
	fast := false
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "steps", &steps, "limit?", &limit, "fail_fast?", &fast); err != nil {
		return nil, err
	}
	p.groups++
	members := ids(steps)
	handle := p.add(fmt.Sprintf("parallel-%d", p.groups), "parallel",
		fields{"step_ids": members, "limit": plain(limit), "fail_fast": fast}, members)
	p.before = []string{handle.id}
	return handle, nil
}

type builtin func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error)

// A record of its keyword arguments, and of its positional ones by these names.
func maker(kind string, names ...string) builtin {
	return func(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		r := &record{kind: kind, attrs: starlark.StringDict{}}
		for i, arg := range args {
			if i < len(names) {
				r.attrs[names[i]] = arg
			} else {
				r.attrs[strconv.Itoa(i)] = arg
			}
		}
		for _, pair := range kwargs {
			r.attrs[string(pair[0].(starlark.String))] = pair[1]
		}
		return r, nil
	}
}

func hashFiles(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, _ []starlark.Tuple) (starlark.Value, error) {
	return starlark.String("hash_files" + args.String()), nil
}

func (p *planner) workflow(_ *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	p.function = args[0]
	for _, pair := range kwargs {
		if pair[0].(starlark.String) == "triggers" {
			p.triggers = plain(pair[1])
		}
	}
	return starlark.None, nil
}

func call(thread *starlark.Thread, function, ctx starlark.Value) (result starlark.Value, awaits interface{}, err error) {
	defer func() {
		if r := recover(); r != nil {
			stop, ok := r.(stopped)
			if !ok {
				panic(r)
			}
			awaits = stop.on
		}
	}()
	result, err = starlark.Call(thread, function, starlark.Tuple{ctx}, nil)
	return
}

func evaluate(path string, text, eventText []byte) ([]byte, error) {
	var event map[string]interface{}
	if err := json.Unmarshal(eventText, &event); err != nil {
		return nil, err
	}
	of := &record{kind: "event", attrs: starlark.StringDict{}}
	for name, value := range event {
		if text, ok := value.(string); ok {
			of.attrs[name] = starlark.String(text)
		}
	}
	p := &planner{slugs: map[string]int{}, before: []string{}}
	names := starlark.StringDict{}
	for name, function := range map[string]builtin{
		"workflow": p.workflow, "push": maker("push"), "pull_request": maker("pull_request"), "manual": maker("manual"),
		"enum": maker("enum"), "optional": maker("optional", "of"), "cache": maker("cache", "key"), "hash_files": hashFiles,
	} {
		names[name] = starlark.NewBuiltin(name, function)
	}
	ctx := &record{kind: "ctx", attrs: starlark.StringDict{
		"event": of, "inputs": &record{kind: "inputs"}, "run": starlark.NewBuiltin("run", p.run),
		"parallel": starlark.NewBuiltin("parallel", p.parallel), "success": starlark.NewBuiltin("success", maker("success")),
		"fail": starlark.NewBuiltin("fail", maker("fail", "reason"))}}
	thread := &starlark.Thread{Name: "plan"}
	if _, err := starlark.ExecFile(thread, path, text, names); err != nil {
		return nil, err
	}
	result, awaits, err := call(thread, p.function, ctx)
	if err != nil {
		return nil, err
	}
	return json.Marshal(fields{"version": 1, "workflow": "ci", "event": event["type"], "triggers": p.triggers,
		"steps": p.steps, "awaits": awaits, "result": plain(result)})
}

// All threads count, the collector's too.
func processorMicroseconds() float64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1000
}

func main() {
	count := 1
	if len(os.Args) == 4 {
		count, _ = strconv.Atoi(os.Args[3])
	}
	text, err := os.ReadFile(os.Args[1])
	event, err2 := os.ReadFile(os.Args[2])
	if err != nil || err2 != nil {
		fmt.Fprintln(os.Stderr, err, err2)
		os.Exit(1)
	}
	var plan []byte
	began := processorMicroseconds()
	for i := 0; i < count; i++ {
		if plan, err = evaluate(os.Args[1], text, event); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if len(os.Args) == 4 {
		fmt.Printf("%.2f\n", (processorMicroseconds()-began)/float64(count))
		return
	}
	fmt.Println(string(plan))
}
