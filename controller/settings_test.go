package controller_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller"
)

func TestScale(t *testing.T) {
	t.Parallel()
	s, err := controller.Settings{LivenessTTL: time.Minute}.Scale(60)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ got, want time.Duration }{
		"hermes":         {s.Budget("hermes"), 30 * time.Second},
		"other runtimes": {s.Budget("claude-code"), 10 * time.Second},
		"what was set":   {s.LivenessTTL, time.Second},
		"a default":      {s.ProvisionSweepEvery, 500 * time.Millisecond},
		"backoff":        {s.LaunchBackoff(2), 5 * time.Second / 30},
	} {
		if diff := c.got - c.want; diff < -time.Microsecond || diff > time.Microsecond {
			t.Errorf("%s: %s, want %s", name, c.got, c.want)
		}
	}
	one, err := controller.Settings{ProvisionTimeout: time.Minute}.Scale(0.5)
	if err != nil || one.Budget("hermes") != 2*time.Minute {
		t.Errorf("half the speed: %v, %s", err, one.Budget("hermes"))
	}
	if d := controller.DefaultSettings().Budgets["hermes"]; d != 30*time.Minute {
		t.Errorf("scaling has changed the defaults: %s", d)
	}
	small, err := controller.Settings{LauncherEvery: 1}.Scale(1000)
	if err != nil || small.LauncherEvery != time.Millisecond {
		t.Errorf("a nanosecond becomes %s, %v", small.LauncherEvery, err)
	}
	for _, speed := range []float64{0, -1, 1001, math.NaN(), math.Inf(1)} {
		if _, err := (controller.Settings{}).Scale(speed); err == nil {
			t.Errorf("a speed of %v is taken", speed)
		}
	}
}

// A setting that is added later must be scaled too.
func TestScaleScalesEverySetting(t *testing.T) {
	t.Parallel()
	var all controller.Settings
	v := reflect.ValueOf(&all).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Int64 {
			f.SetInt(int64(time.Hour))
		}
	}
	all.Budgets = map[string]time.Duration{"hermes": time.Hour}
	scaled, err := all.Scale(60)
	if err != nil {
		t.Fatal(err)
	}
	w := reflect.ValueOf(scaled)
	for i := range w.NumField() {
		if f := w.Field(i); f.Kind() == reflect.Int64 && f.Int() != int64(time.Minute) {
			t.Errorf("%s is %s", w.Type().Field(i).Name, time.Duration(f.Int()))
		}
	}
	if scaled.Budgets["hermes"] != time.Minute {
		t.Errorf("budgets are %v", scaled.Budgets)
	}
}
