// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/headroom-dev/headroom/pkg/lab/lifeline"
)

const (
	// stopGrace is how long a process may take to end after SIGTERM. It is also a child's own limit once its parent is gone.
	stopGrace = lifeline.Grace

	logTailLines = 20
	logTailBytes = 8 << 10
	// logReadBytes is how much of the end of a log is read: goroutines that were running may fill most of it.
	logReadBytes = 1 << 20
)

// command is what a process is started from.
type command struct {
	name       string
	executable string
	arguments  []string
	// foreign marks an executable that does not know package lifeline.
	foreign bool
}

// process is a child that has been started.
type process struct {
	name     string
	cmd      *exec.Cmd
	log      string
	stopping atomic.Bool
	done     chan struct{} // closed when the process has ended; err is then set
	err      error
}

// endedError is the error of a process that ended though nobody stopped it.
type endedError struct {
	name string
	err  error
	tail string
}

func (e *endedError) Error() string {
	how := "exit status 0"
	if e.err != nil {
		how = e.err.Error()
	}
	return fmt.Sprintf("%s ended early (%s); the end of its log:\n%s", e.name, how, e.tail)
}

func (e *endedError) Unwrap() error { return e.err }

// portTaken tells whether somebody else took the port between its choice and its use.
func (e *endedError) portTaken() bool { return strings.Contains(e.tail, "address already in use") }

// startProcess starts a child in folder, with its output in a log file there. failed receives its error should it end by itself.
func startProcess(c command, folder string, parent *lifeline.Parent, failed chan<- error) (*process, error) {
	logPath := filepath.Join(folder, logsFolder, c.name+".log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", c.name, err)
	}
	defer log.Close()

	cmd := exec.Command(c.executable, c.arguments...)
	cmd.Dir = folder
	cmd.Env = childEnvironment(folder, os.LookupEnv)
	cmd.Stdout, cmd.Stderr = log, log
	// A process group of its own: Ctrl-C in the terminal reaches this program only, which then stops its children in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if c.foreign {
		killWithParent(cmd.SysProcAttr)
	} else {
		parent.Attach(cmd)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", c.name, err)
	}
	p := &process{name: c.name, cmd: cmd, log: logPath, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
		if !p.stopping.Load() {
			select {
			case failed <- p.earlyEnd():
			default: // nobody has read the errors before; they say enough
			}
		}
	}()
	return p, nil
}

// childEnvironment is all that a child gets to see: nothing of the user's kubeconfig, proxies or component settings.
func childEnvironment(folder string, lookup func(string) (string, bool)) []string {
	environment := []string{"HOME=" + folder, "TMPDIR=" + filepath.Join(folder, temporaryFolder)}
	for _, name := range []string{"PATH", "LANG", "TZ", "GOMAXPROCS", "GOMEMLIMIT", "GOGC", "GODEBUG", "GOTRACEBACK", "GOCOVERDIR"} {
		if value, set := lookup(name); set {
			environment = append(environment, name+"="+value)
		}
	}
	return environment
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop ends the process and returns when it is gone.
func (p *process) stop() { p.stopWithin(stopGrace) }

// stopWithin sends SIGTERM, and SIGKILL after grace.
func (p *process) stopWithin(grace time.Duration) {
	p.stopping.Store(true)
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only when it has ended
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// earlyEnd describes the end of a process that nobody stopped. The process must have ended.
func (p *process) earlyEnd() error {
	return &endedError{name: p.name, err: p.err, tail: logTail(p.log)}
}

// logTail returns the last lines of a log. Of a process that panicked these are the last before the list of its goroutines.
func logTail(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > logReadBytes {
		if _, err := file.Seek(-logReadBytes, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return err.Error()
	}
	content = withoutGoroutines(content)
	lines := bytes.Split(bytes.TrimSpace(content[max(len(content)-logTailBytes, 0):]), []byte("\n"))
	if len(lines) > logTailLines {
		lines = lines[len(lines)-logTailLines:]
	}
	return string(bytes.Join(lines, []byte("\n")))
}

// withoutGoroutines cuts off the goroutines that Go's runtime lists when a process panics: the cause stands before them.
func withoutGoroutines(log []byte) []byte {
	log = append([]byte("\n"), log...)
	died := max(bytes.LastIndex(log, []byte("\npanic: ")), bytes.LastIndex(log, []byte("\nfatal error: ")))
	if died < 0 {
		return log
	}
	if list := bytes.Index(log[died:], []byte("\ngoroutine ")); list >= 0 {
		return log[:died+list]
	}
	return log
}
