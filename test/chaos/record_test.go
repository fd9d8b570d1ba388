package chaos

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"time"
)

// record is one run as a line of docs/reliability.jsonl.
type record struct {
	Seed string `json:"seed"`
	Date string `json:"date"`
	// Machine and Commit say where and of what.
	Machine string `json:"machine"`
	Commit  string `json:"commit"`
	From    string `json:"from"`
	To      string `json:"to"`
	Change  string `json:"change"`
	Damage  string `json:"damage"`
	Target  string `json:"target,omitempty"`
	Moment  string `json:"moment"`
	// At is when the damage was done, in seconds since the beginning of apply;
	// During the last thing that apply had told of; Late, that it had ended.
	At     float64 `json:"at"`
	During string  `json:"during"`
	Late   bool    `json:"late,omitempty"`
	// Heals is after how many seconds the damage was mended by hand, Killed after
	// how many swarmup was killed, too; 0 is not at all.
	Heals  float64 `json:"heals,omitempty"`
	Killed float64 `json:"killed,omitempty"`
	// First is the exit code of the damaged apply, -1 for one that was killed.
	First        int     `json:"first"`
	ApplySeconds float64 `json:"apply_seconds"`
	// Applies are those that it took to heal, Said what all but the last ended with.
	Applies    int      `json:"applies"`
	Said       []string `json:"said,omitempty"`
	Heal       float64  `json:"heal"` // seconds from the beginning of the first of them until all was right
	Result     string   `json:"result"`
	Violations []string `json:"violations,omitempty"`
	// Mended is the commit, by its subject, after which that does not happen any
	// more. It is written by hand.
	Mended string `json:"mended,omitempty"`
}

// The results of a run.
const (
	resultHealed   = "healed"
	resultLost     = "lost"     // no quorum, for good; apply said so and touched nothing
	resultViolated = "violated" // see Violations
)

func newRecord(s script) record {
	r := record{
		Seed: s.seed, Date: time.Now().UTC().Format(time.DateOnly), From: s.from.String(), To: s.to.String(),
		Change: s.change, Damage: string(s.damage), Moment: s.moment.String(), Result: resultViolated,
	}
	if s.damage.lasts() {
		r.Heals = seconds(s.heals)
	}
	if !s.damage.toSwarmup() {
		r.Killed = seconds(s.killed)
	}
	return r
}

// violation notes one, and is an error.
func (r *record) violation(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	r.Violations = append(r.Violations, text)
	return errors.New(text)
}

// results is where records are kept: one a line, in the order in which they were made.
const results = "../../docs/reliability.jsonl"

func readRecords(file string) (out []record, err error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var r record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, n, err)
		}
		out = append(out, r)
	}
	return out, lines.Err()
}

func (r record) appendTo(file string) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// told are the lines of swarmup's progress.
var told = regexp.MustCompile(`^swarmup: +[0-9.]+s  (.*)`)

// last gives the last thing that swarmup told of its progress.
func (t *transcript) last() string {
	lines := strings.Split(strings.TrimSpace(t.String()), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		if m := told.FindStringSubmatch(lines[i]); m != nil {
			return m[1]
		}
	}
	return ""
}

// complaints are the lines of a transcript that are no progress: what swarmup
// says at the end.
func complaints(said string) string {
	var out []string
	for line := range strings.Lines(said) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "swarmup: "); ok && !told.MatchString(line) {
			out = append(out, text)
		}
	}
	return strings.Join(out, " | ")
}

// tail is the end of a transcript, for whoever reads of a violation.
func tail(said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], " | ")
}
