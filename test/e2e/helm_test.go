// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const (
	release      = "headroom-scheduler"
	releaseSpace = "headroom-e2e"
	chartFolder  = root + "/manifests/charts/headroom-scheduler"
	// helmBinary is made by "make e2e-images" from the module that has Helm.
	helmBinary = outFolder + "/helm"
)

// values of the chart, by name.
type values map[string]any

// deployHeadroom installs a new release of headroom-scheduler beside the control plane, and waits until it is ready.
func (e *environment) deployHeadroom(ctx context.Context, own values) error {
	if err := e.removeHeadroom(ctx); err != nil {
		return err
	}
	if err := e.refuseAnother(ctx); err != nil {
		return err
	}
	all, err := e.releaseValues(ctx)
	if err != nil {
		return err
	}
	maps.Copy(all, own)
	content, err := yaml.Marshal(all)
	if err != nil {
		return err
	}
	path := filepath.Join(outFolder, "values.yaml")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		return err
	}
	if err := e.newNamespace(ctx, releaseSpace); err != nil {
		return err
	}
	if err := e.restrict(ctx, releaseSpace); err != nil {
		return err
	}
	return e.helm(ctx, "install", release, chartFolder, "--values", path, "--wait", "--timeout", waitLimit.String())
}

// releaseValues are those that the cluster asks for: the image that is tested, on control planes where there are any, so that
// workers have all their memory for the pods of the tests.
func (e *environment) releaseValues(ctx context.Context) (values, error) {
	image := os.Getenv(imageVariable)
	if image == "" {
		image = images()[0]
	}
	at := strings.LastIndex(image, ":")
	if at < 1 || at < strings.LastIndex(image, "/") { // A registry may have a port.
		return nil, fmt.Errorf("%s=%q: want repository:tag", imageVariable, image)
	}
	named := values{"repository": image[:at], "tag": image[at+1:]}
	if e.kind != nil {
		named["pullPolicy"] = "Never"
	}
	all := values{"image": named}
	controlPlanes, err := e.clients.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: controlPlaneLabel})
	if err != nil {
		return nil, err
	}
	if len(controlPlanes.Items) > 0 {
		all["nodeSelector"] = values{controlPlaneLabel: ""}
	}
	return all, nil
}

// refuseAnother fails where somebody else's headroom-scheduler runs, which would place the pods of the tests.
func (e *environment) refuseAnother(ctx context.Context) error {
	list, err := e.clients.AppsV1().Deployments("").List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=headroom-scheduler"})
	if err != nil {
		return err
	}
	for _, deployment := range list.Items {
		if deployment.Namespace != releaseSpace {
			return fmt.Errorf("deployment %s/%s would place pods of the tests: uninstall it first, or test on another cluster", deployment.Namespace, deployment.Name)
		}
	}
	return nil
}

// removeHeadroom ends headroom-scheduler and all that it remembers.
func (e *environment) removeHeadroom(ctx context.Context) error {
	if err := e.ours(ctx, releaseSpace); err != nil {
		return err
	}
	if err := e.helm(ctx, "uninstall", release, "--ignore-not-found", "--wait", "--timeout", waitLimit.String()); err != nil {
		return err
	}
	return e.removeNamespace(ctx, releaseSpace)
}

func (e *environment) helm(ctx context.Context, args ...string) error {
	if _, err := os.Stat(helmBinary); err != nil {
		return fmt.Errorf("%w: make e2e-images builds it", err)
	}
	_, err := command(ctx, helmBinary, append(args, "--namespace", releaseSpace, "--kubeconfig", e.kubeconfig)...)
	return err
}

// leads waits until the release holds a lease, in its own namespace or that of the default scheduler.
func (e *environment) leads(ctx context.Context, namespace, lease string) error {
	return e.waitFor(ctx, "headroom-scheduler to lead", func(ctx context.Context) (bool, error) {
		held, err := e.clients.CoordinationV1().Leases(namespace).Get(ctx, lease, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		holder := held.Spec.HolderIdentity
		return holder != nil && strings.HasPrefix(*holder, release), nil
	})
}
