// SPDX-License-Identifier: Apache-2.0

package lifeline

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roleVariable makes the test binary one of the processes under test.
const roleVariable = "LIFELINE_TEST_ROLE"

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVariable); role {
	case "":
		os.Exit(m.Run())
	case "parent of obedient", "parent of stubborn":
		runParent(strings.TrimPrefix(role, "parent of "))
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fallthrough
	case "obedient":
		if err := watch(100 * time.Millisecond); err != nil {
			panic(err)
		}
		_, _ = os.Stdout.WriteString("child runs\n")
	}
	select {} // until killed
}

// runParent starts a child of the role, which shares its standard output.
func runParent(role string) {
	parent, err := NewParent()
	if err != nil {
		panic(err)
	}
	child := exec.Command(os.Args[0])
	child.Env = []string{roleVariable + "=" + role}
	child.Stdout = os.Stdout
	parent.Attach(child)
	if err := child.Start(); err != nil {
		panic(err)
	}
	// A goroutine that waits keeps the runtime from calling this a deadlock.
	go func() { _ = child.Wait() }()
	time.Sleep(time.Minute)
}

func TestChildEndsWhenItsParentIsKilled(t *testing.T) {
	for _, child := range []string{"obedient", "stubborn"} {
		t.Run(child, func(t *testing.T) {
			output, theirs, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer output.Close()
			parent := exec.CommandContext(t.Context(), os.Args[0])
			parent.Env = []string{roleVariable + "=parent of " + child}
			parent.Stdout = theirs
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			if err := theirs.Close(); err != nil {
				t.Fatal(err)
			}
			const greeting = "child runs\n"
			got := make([]byte, len(greeting))
			if _, err := io.ReadFull(output, got); err != nil || string(got) != greeting {
				t.Fatalf("the child said %q (%v), want %q", got, err, greeting)
			}

			if err := parent.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = parent.Wait()

			// The pipe has its end once both processes that hold it are gone.
			if err := output.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := output.Read(got); !errors.Is(err, io.EOF) {
				t.Errorf("after the parent's death the child still runs: read %v, want %v", err, io.EOF)
			}
		})
	}
}

func TestWatchDoesNothingInAProcessThatWasNotAttached(t *testing.T) {
	if err := Watch(); err != nil {
		t.Errorf("Watch() = %v, want no error", err)
	}
}

func TestWatchRefusesADescriptorThatIsNotOne(t *testing.T) {
	for _, value := range []string{"", "three", "2", "987654"} {
		t.Run(value, func(t *testing.T) {
			t.Setenv(EnvironmentVariable, value)
			err := Watch()
			if err == nil || !strings.Contains(err.Error(), EnvironmentVariable) {
				t.Errorf("Watch() = %v, want an error that names %s", err, EnvironmentVariable)
			}
			if _, set := os.LookupEnv(EnvironmentVariable); set {
				t.Errorf("%s is still set", EnvironmentVariable)
			}
		})
	}
}
