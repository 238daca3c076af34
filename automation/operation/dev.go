package operation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/logs"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
)

// Watching says that the stack is up, and that its files are watched from now on.
type Watching struct {
	*Result
	// Files are what is watched, relative to the project where they are in it.
	Files []string
}

// Reloaded says that what somebody changed is live.
type Reloaded struct {
	*Result
	// Routes are those that changed.
	Routes route.Changes
	// Programs are the images whose program changed: their pods were replaced.
	Programs []string
	// Took is the time since the change was noticed.
	Took time.Duration
}

// ReloadFailed says that a change is not live. With an error of the class Usage nothing was changed; otherwise the stack's
// state has what was.
type ReloadFailed struct{ Err error }

// Accessed is a new line of the access log.
type Accessed struct{ logs.Entry }

func (Watching) event()     {}
func (Reloaded) event()     {}
func (ReloadFailed) event() {}
func (Accessed) event()     {}

// lockedPause is how long Dev waits for somebody else who changes the stack.
const lockedPause = time.Second

// Dev brings a stack of the local target up, and again with each change of its config, its manifests, and the programs that
// stand for images, until the context ends, which is no error. The stack stays up. OnEvent hears of Watching, and then of
// Reloaded, ReloadFailed and Accessed.
//
// What cannot be brought up at first is an error; what cannot be brought up later is told, and the stack serves on as it was.
func Dev(ctx context.Context, o Options) error {
	heard, telling := o.OnEvent, sync.Mutex{}
	o.OnEvent = func(e Event) {
		telling.Lock()
		defer telling.Unlock()
		if heard != nil {
			heard(e)
		}
	}
	d := &dev{Options: o, tell: o.OnEvent}
	if err := d.load(); err != nil {
		return err
	}
	if d.site.project.Target != engine.Local {
		return fail(Usage, fmt.Errorf("stack %s is on AWS: dev is for stacks of the local target, because it changes them with each file "+
			"that is saved", d.site.Stack))
	}
	result, err := Up(ctx, UpOptions{Options: o})
	if err != nil {
		return err
	}
	d.quiet()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	changes, err := watchFiles(ctx, d.site.StateDir)
	if err != nil {
		return fail(Prerequisite, err)
	}
	if err := changes.add(d.files); err != nil {
		return fail(Prerequisite, err)
	}
	d.tell(Watching{result, d.files.names(d.site.project.Root)})
	tailed := make(chan struct{})
	go func() {
		defer close(tailed)
		d.tailAccess(ctx)
	}()
	defer func() { stop(); <-tailed }()
	return d.serve(ctx, changes)
}

// dev is what is up, as far as it was read.
type dev struct {
	// Options are for what is done after the first time.
	Options
	tell     func(Event)
	site     *site
	table    *route.Table
	files    files
	digest   string
	programs map[string]string
}

// load reads the project anew. What was read before stays where it cannot be read.
func (d *dev) load() error {
	s, settings, err := openValid(d.Options)
	if err != nil {
		return err
	}
	table, err := settings.Routes()
	if err != nil {
		return fail(Usage, err)
	}
	d.site, d.table, d.files, d.programs = s, table, filesOf(s.project, settings), versionsOf(s.project)
	if d.digest == "" {
		d.digest = d.files.digest()
	}
	return nil
}

// quiet leaves the engine's own events out: after the first time what counts is what is live.
func (d *dev) quiet() {
	d.Progress, d.Errors = nil, nil
	d.OnEvent = func(e Event) {
		switch e.(type) {
		case Notice, Stopping:
			d.tell(e)
		}
	}
}

// serve makes each change live until ctx ends.
func (d *dev) serve(ctx context.Context, changes *fileChanges) error {
	again := make(<-chan time.Time)
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-changes.failed:
			return fail(Prerequisite, err)
		case <-again:
		case <-changes.settled:
			digest := d.files.digest()
			if digest == d.digest {
				continue
			}
			d.digest = digest
		}
		again = nil
		err := d.reload(ctx)
		if ctx.Err() != nil {
			// What was under way was asked to stop, and says so.
			return err
		}
		if err != nil {
			d.tell(ReloadFailed{err})
		}
		if ClassOf(err) == Locked {
			again = time.After(lockedPause)
		}
		if err := changes.add(d.files); err != nil && ctx.Err() == nil {
			return fail(Prerequisite, err)
		}
	}
}

func (d *dev) reload(ctx context.Context) error {
	began, table, programs := time.Now(), d.table, d.programs
	if err := d.load(); err != nil {
		return err
	}
	result, err := Up(ctx, UpOptions{Options: d.Options})
	if err != nil {
		// The next change is compared with what is up.
		d.table, d.programs = table, programs
		return err
	}
	reloaded := Reloaded{Result: result, Routes: route.Compare(table, d.table), Took: time.Since(began)}
	for image, version := range d.programs {
		if was, known := programs[image]; known && was != version {
			reloaded.Programs = append(reloaded.Programs, image)
		}
	}
	slices.Sort(reloaded.Programs)
	d.tell(reloaded)
	return nil
}

// versionsOf tells the programs that stand for images apart.
func versionsOf(project *engine.Project) map[string]string {
	versions := map[string]string{}
	for image, command := range project.Images {
		versions[image] = fmt.Sprint(command, versionOf(programFiles(project.Root, command)))
	}
	return versions
}

// tailAccess tells of requests. A stack may have no access log.
func (d *dev) tailAccess(ctx context.Context) {
	o := LogOptions{Options: d.Options, Names: []string{AccessLog}, Filter: logs.Filter{Since: time.Now()}, Follow: true}
	err := Logs(ctx, o, func(e logs.Entry) { d.tell(Accessed{e}) })
	if err != nil && ClassOf(err) != Usage && !errors.Is(err, context.Canceled) {
		d.tell(Notice{Warning: true, Text: fmt.Sprintf("the access log is not followed any more: %v", err)})
	}
}

// filesOf are the files that a stack is made of.
func filesOf(project *engine.Project, settings *deploy.Settings) files {
	f := files{stack: project.FileOf(project.Stack)}
	f.add(projectFileOf(project), project.FileOf(project.Stack))
	for _, path := range settings.Files(project.Root) {
		f.add(path)
	}
	for _, command := range project.Images {
		f.programs = append(f.programs, programFiles(project.Root, command)...)
	}
	slices.Sort(f.programs)
	return f
}
