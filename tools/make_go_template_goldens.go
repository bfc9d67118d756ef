// Fills the goldens of Go templates with what Go's own text/template renders. Only making goldens needs Go (Debian: golang-go).
//
//	go run tools/make_go_template_goldens.go tests/golden/text
//
// go_templates.jsonl: the first line is the data that all templates see; each line after it has a "source", and "text" is
// written here: null where Go raises an error.
// go_chats.json: "templates" by name, "chats" by name, and "cases" ("template/chat") that are written here, as Ollama's
// documentation has chat templates rendered: the types below say what they see.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"
	"text/template/parse"
	"time"
)

var now = time.Date(2026, 1, 5, 9, 7, 3, 0, time.UTC)

func marshal(v any) string {
	text, _ := json.Marshal(v)
	return string(text)
}

var functions = template.FuncMap{
	"json":             marshal,
	"currentDate":      func(...string) string { return now.Format("2006-01-02") },
	"yesterdayDate":    func(...string) string { return now.AddDate(0, 0, -1).Format("2006-01-02") },
	"toTypeScriptType": func(v any) string { return typeScript(v) },
}

func parsed(source string) (*template.Template, error) {
	return template.New("").Option("missingkey=zero").Funcs(functions).Parse(source)
}

func rendered(source string, data any) (text *string) {
	made, err := parsed(source)
	if err != nil {
		return nil
	}
	var out bytes.Buffer
	if made.Execute(&out, data) != nil {
		return nil
	}
	result := out.String()
	return &result
}

// ---- What chat templates see

type Types []string

func (t Types) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}
func (t *Types) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*t = Types{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(t))
}
func (t Types) String() string {
	if len(t) == 1 {
		return t[0]
	}
	if len(t) == 0 {
		return ""
	}
	return fmt.Sprint([]string(t))
}

type Property struct {
	AnyOf       []Property          `json:"anyOf,omitempty"`
	Type        Types               `json:"type,omitempty"`
	Items       any                 `json:"items,omitempty"`
	Description string              `json:"description,omitempty"`
	Enum        []any               `json:"enum,omitempty"`
	Properties  map[string]Property `json:"properties,omitempty"`
	Required    []string            `json:"required,omitempty"`
}

func typeScript(v any) string {
	property, ok := v.(Property)
	if !ok {
		return "any"
	}
	words := map[string]string{"string": "string", "number": "number", "integer": "number", "boolean": "boolean",
		"array": "any[]", "object": "Record<string, any>", "null": "null"}
	var all []string
	for _, one := range property.AnyOf {
		all = append(all, typeScript(one))
	}
	if len(all) == 0 {
		for _, one := range property.Type {
			word, known := words[one]
			if !known {
				word = "any"
			}
			all = append(all, word)
		}
	}
	if len(all) == 0 {
		return "any"
	}
	return strings.Join(all, " | ")
}

type Properties map[string]Property

func (p Properties) String() string { return marshal(p) }

type Parameters struct {
	Type       string     `json:"type"`
	Defs       any        `json:"$defs,omitempty"`
	Items      any        `json:"items,omitempty"`
	Required   []string   `json:"required,omitempty"`
	Properties Properties `json:"properties"`
}

func (p Parameters) String() string { return marshal(p) }

type ToolFunction struct {
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Parameters  Parameters `json:"parameters"`
}

func (f ToolFunction) String() string { return marshal(f) }

type Tool struct {
	Type     string       `json:"type"`
	Items    any          `json:"items,omitempty"`
	Function ToolFunction `json:"function"`
}

func (t Tool) String() string { return marshal(t) }

type Tools []Tool

func (t Tools) String() string { return marshal(t) }

type Arguments map[string]any

func (a Arguments) String() string { return marshal(a) }

type CallFunction struct {
	Index     int
	Name      string
	Arguments Arguments
}
type Call struct {
	ID       string
	Function CallFunction
}
type Message struct {
	Role, Content, Thinking string
	Images                  []any
	ToolCalls               []Call
	ToolName, ToolCallID    string
}

type Chat struct {
	Messages []struct {
		Role       string `json:"role"`
		Content    string `json:"content"`
		Thinking   string `json:"thinking"`
		ToolName   string `json:"tool_name"`
		ToolCallID string `json:"tool_call_id"`
		ToolCalls  []struct {
			ID       string `json:"id"`
			Function struct {
				Name      string    `json:"name"`
				Arguments Arguments `json:"arguments"`
			} `json:"function"`
		} `json:"tool_calls"`
	} `json:"messages"`
	Tools          Tools `json:"tools"`
	EnableThinking *bool `json:"enable_thinking"`
}

func mentions(node parse.Node, name string) bool {
	return strings.Contains(strings.ToLower(node.String()), "."+name)
}

// Takes away what follows the first action that prints .Response.
func cut(list *parse.ListNode, found *bool) {
	if list == nil {
		return
	}
	var kept []parse.Node
	for _, node := range list.Nodes {
		if *found {
			break
		}
		kept = append(kept, node)
		switch n := node.(type) {
		case *parse.ActionNode:
			*found = strings.Contains(n.String(), ".Response")
		case *parse.IfNode:
			cut(n.List, found)
			cut(n.ElseList, found)
		case *parse.WithNode:
			cut(n.List, found)
			cut(n.ElseList, found)
		case *parse.RangeNode:
			cut(n.List, found)
			cut(n.ElseList, found)
		}
	}
	list.Nodes = kept
}

func chatted(source string, chat Chat) *string {
	made, err := parsed(source)
	if err != nil {
		panic(err)
	}
	var system []string
	var messages []*Message
	for _, m := range chat.Messages {
		if m.Role == "system" {
			system = append(system, m.Content)
		}
		if n := len(messages); n > 0 && messages[n-1].Role == m.Role && m.Role != "tool" {
			messages[n-1].Content += "\n\n" + m.Content
			continue
		}
		message := &Message{Role: m.Role, Content: m.Content, Thinking: m.Thinking, ToolName: m.ToolName, ToolCallID: m.ToolCallID}
		for i, call := range m.ToolCalls {
			message.ToolCalls = append(message.ToolCalls,
				Call{ID: call.ID, Function: CallFunction{Index: i, Name: call.Function.Name, Arguments: call.Function.Arguments}})
		}
		messages = append(messages, message)
	}
	data := map[string]any{"Think": false, "ThinkLevel": "", "IsThinkSet": false}
	if chat.EnableThinking != nil {
		data["Think"], data["IsThinkSet"] = *chat.EnableThinking, true
		if *chat.EnableThinking {
			data["ThinkLevel"] = "medium"
		}
	}
	var out bytes.Buffer
	if mentions(made.Root, "messages") {
		data["System"], data["Messages"], data["Tools"], data["Response"] = strings.Join(system, "\n\n"), messages, chat.Tools, ""
		if err := made.Execute(&out, data); err != nil {
			return nil
		}
		text := out.String()
		return &text
	}
	if !mentions(made.Root, "response") {
		source += "{{ .Response }}"
		made, _ = parsed(source)
	}
	first := true
	var systemText, prompt, response string
	finish := func(t *template.Template) {
		data["System"], data["Prompt"], data["Response"], data["First"] = systemText, prompt, response, first
		if err := t.Execute(&out, data); err != nil {
			panic(err)
		}
		systemText, prompt, response, first = "", "", "", false
	}
	for _, m := range messages {
		switch m.Role {
		case "system":
			if prompt != "" || response != "" {
				finish(made)
			}
			systemText = m.Content
		case "user":
			if response != "" {
				finish(made)
			}
			prompt = m.Content
		case "assistant":
			response = m.Content
		}
	}
	last, _ := parsed(source)
	found := false
	cut(last.Root, &found)
	finish(last)
	text := out.String()
	return &text
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func encoded(v any, indent string) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	check(encoder.Encode(v))
	return out.Bytes()
}

func fillTemplates(path string) {
	file, err := os.ReadFile(path)
	check(err)
	lines := bufio.NewScanner(bytes.NewReader(file))
	lines.Buffer(nil, 1<<24)
	lines.Scan()
	first := lines.Text()
	out := bytes.NewBufferString(first + "\n")
	for lines.Scan() {
		var line struct {
			Source string  `json:"source"`
			Text   *string `json:"text"`
		}
		check(json.Unmarshal(lines.Bytes(), &line))
		var data any
		check(json.Unmarshal([]byte(first), &data))
		line.Text = rendered(line.Source, data)
		out.Write(encoded(line, ""))
	}
	check(os.WriteFile(path, out.Bytes(), 0o644))
}

func fillChats(path string) {
	file, err := os.ReadFile(path)
	check(err)
	var all struct {
		Templates map[string]string          `json:"templates"`
		Chats     map[string]json.RawMessage `json:"chats"`
		Cases     map[string]*string         `json:"cases"`
	}
	check(json.Unmarshal(file, &all))
	all.Cases = map[string]*string{}
	for name, source := range all.Templates {
		for chatName, text := range all.Chats {
			var chat Chat
			check(json.Unmarshal(text, &chat))
			all.Cases[name+"/"+chatName] = chatted(source, chat)
		}
	}
	check(os.WriteFile(path, encoded(all, " "), 0o644))
}

func main() {
	fillTemplates(os.Args[1] + "/go_templates.jsonl")
	fillChats(os.Args[1] + "/go_chats.json")
}
