package state

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestRulesAreSpecified holds the list of rules to the page that numbers them: each tag is defined there, and
// the name of each rule stands there in code.
func TestRulesAreSpecified(t *testing.T) {
	page, err := os.ReadFile("../../../docs/spec/pillars-state.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("rule.go")
	if err != nil {
		t.Fatal(err)
	}
	tags := regexp.MustCompile(`// \[(PIL-[A-Z]+-[0-9]+)\]`).FindAllStringSubmatch(string(source), -1)
	if len(tags) != RuleCount {
		t.Errorf("%d rules with a tag, %d rules", len(tags), RuleCount)
	}
	for _, tag := range tags {
		if !strings.Contains(string(page), "**["+tag[1]+"]**") {
			t.Errorf("%s is not defined", tag[1])
		}
	}
	for r := Rule(1); r.Valid(); r++ {
		if !strings.Contains(string(page), "`"+r.String()+"`") {
			t.Errorf("%s is not on the page", r)
		}
	}
	if Rule(0).Valid() || ruleEnd.Valid() || ruleEnd.String() == "" {
		t.Error("rules that are none")
	}
}
