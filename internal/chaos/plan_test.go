package chaos

import (
	"reflect"
	"testing"
	"time"
)

func TestPlanFollowsItsSeed(t *testing.T) {
	o := PlanOptions{Seed: 7, Servers: []string{"s1", "s2", "s3"}, Coordinators: []string{"c1", "c2"}, Lasts: 2 * time.Minute}
	steps := Plan(o)
	if again := Plan(o); !reflect.DeepEqual(steps, again) {
		t.Error("one seed, two plans")
	}
	o.Seed = 8
	if other := Plan(o); reflect.DeepEqual(steps, other) {
		t.Error("two seeds, one plan")
	}
	seen := map[Fault]bool{}
	for i, step := range steps {
		seen[step.Fault] = true
		if step.Until <= step.At || step.Until > 96*time.Second {
			t.Errorf("%v", step)
		}
		if i > 0 && step.At < steps[i-1].Until {
			t.Errorf("%v begins before %v ends", step, steps[i-1])
		}
	}
	for _, fault := range Faults() {
		if !seen[fault] {
			t.Errorf("two minutes have no fault %q", fault)
		}
	}
}

func TestPlanStrikesNobodyWhereTooFewAreThere(t *testing.T) {
	for _, step := range Plan(PlanOptions{Seed: 1, Servers: []string{"s1"}, Lasts: time.Minute}) {
		switch step.Fault {
		case CutPair, CutOneWay, KillCoordinator, PauseCoordinator, IsolateCoordinator:
			t.Errorf("%v, of one server and no coordinator", step)
		}
	}
}
