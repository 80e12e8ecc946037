package rpcserver

import (
	"cmp"
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// describe builds the OpenRPC document from the registry.
func (s *Service) describe() map[string]any {
	version := "0"
	if s.Version != nil {
		version = cmp.Or(s.Version(), version)
	}
	var list []any
	for _, name := range s.names {
		list = append(list, s.describeMethod(s.byName[name]))
	}
	return map[string]any{
		"openrpc": "1.3.2",
		"info":    map[string]any{"title": s.Title, "version": version, "description": s.About},
		"methods": list,
	}
}

func (s *Service) describeMethod(m *Method) map[string]any {
	params := []any{}
	for _, p := range m.Params {
		params = append(params, map[string]any{
			"name": p.Name, "description": p.About, "required": p.Required, "schema": p.schema(),
		})
	}
	errors := []any{}
	for _, name := range m.Errors {
		errors = append(errors, map[string]any{"code": s.CodeOf(name), "message": name, "data": map[string]any{"name": name}})
	}
	out := map[string]any{
		"name": m.Name, "summary": m.About, "paramStructure": "either", "params": params, "errors": errors,
		"result":  map[string]any{"name": "result", "schema": schemaOf(reflect.TypeOf(m.Result), 0)},
		"x-right": m.Right.String(),
	}
	if len(m.Aliases) > 0 {
		out["x-aliases"] = m.Aliases
	}
	return out
}

func (p *Param) schema() map[string]any {
	item, many := strings.CutSuffix(p.Kind, " list")
	if !many {
		return kindSchema(p.Kind)
	}
	out := map[string]any{"type": "array", "items": kindSchema(item), "minItems": 1}
	if p.Most > 0 {
		out["maxItems"] = p.Most
	}
	return out
}

func kindSchema(kind string) map[string]any {
	switch kind {
	case "hash", "key":
		return map[string]any{"type": "string", "pattern": "^[0-9a-f]{64}$"}
	case "hex":
		return map[string]any{"type": "string", "pattern": "^([0-9a-fA-F]{2})*$"}
	case "integer":
		return map[string]any{"type": "integer", "minimum": 0}
	}
	return map[string]any{"type": kind}
}

var (
	textType = reflect.TypeFor[encoding.TextMarshaler]()
	jsonType = reflect.TypeFor[json.Marshaler]()
	timeType = reflect.TypeFor[time.Time]()
)

// schemaOf describes how encoding/json writes a value of type t. Only our own result types
// reach it; they are not recursive.
func schemaOf(t reflect.Type, depth int) map[string]any {
	if depth > 12 {
		panic("rpc: result type nests too deep: " + t.String())
	}
	if t.Kind() == reflect.Pointer {
		return map[string]any{"oneOf": []any{schemaOf(t.Elem(), depth), map[string]any{"type": "null"}}}
	}
	switch {
	case t == timeType:
		return map[string]any{"type": "string", "format": "date-time"}
	case t.Implements(textType) || reflect.PointerTo(t).Implements(textType):
		return map[string]any{"type": "string"}
	case t.Implements(jsonType):
		return map[string]any{}
	}
	switch t.Kind() {
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice, reflect.Array:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem(), depth+1)}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem(), depth+1)}
	case reflect.Struct:
		properties := map[string]any{}
		addFields(properties, t, depth)
		return map[string]any{"type": "object", "properties": properties}
	case reflect.Interface:
		return map[string]any{}
	}
	return map[string]any{"type": "integer"}
}

func addFields(properties map[string]any, t reflect.Type, depth int) {
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "":
			addFields(properties, field.Type, depth)
		case field.IsExported() && name != "-":
			if name == "" {
				name = field.Name
			}
			properties[name] = schemaOf(field.Type, depth+1)
		}
	}
}
