// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/keyutil"
)

// Users of the API server. What each may do is decided by RBAC: the built-in roles, and manifests/rbac.yaml.
const (
	adminName         = "admin"
	schedulerUser     = "system:kube-scheduler"
	frontProxyUser    = "front-proxy-client"
	metricsServerHost = "metrics-server.kube-system.svc"
)

// files are the paths of everything that is written before the first process starts.
type files struct{ dir string }

func (f files) kubeconfig(user string) string { return filepath.Join(f.dir, user+".kubeconfig") }
func (f files) authority() string             { return filepath.Join(f.dir, "ca.crt") }
func (f files) serving() (certificate, key string) {
	return filepath.Join(f.dir, "serving.crt"), filepath.Join(f.dir, "serving.key")
}
func (f files) frontProxyAuthority() string { return filepath.Join(f.dir, "front-proxy-ca.crt") }
func (f files) frontProxy() (certificate, key string) {
	return filepath.Join(f.dir, "front-proxy-client.crt"), filepath.Join(f.dir, "front-proxy-client.key")
}
func (f files) serviceAccount() (public, private string) {
	return filepath.Join(f.dir, "service-account.pub"), filepath.Join(f.dir, "service-account.key")
}

// write makes the certificates, keys and kubeconfigs of a cluster whose API server is at url.
func (f files) write(url string, now time.Time) error {
	main, err := newAuthority("headroom-lab", now)
	if err != nil {
		return err
	}
	// An authority of its own: a client certificate of the main one must not pass for the aggregator's.
	frontProxy, err := newAuthority("headroom-lab-front-proxy", now)
	if err != nil {
		return err
	}
	serving, err := main.serving("headroom-lab", now, metricsServerHost)
	if err != nil {
		return err
	}
	proxy, err := frontProxy.client(frontProxyUser, now)
	if err != nil {
		return err
	}
	for path, content := range map[string][]byte{f.authority(): main.encoded(), f.frontProxyAuthority(): frontProxy.encoded()} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
	}
	certificate, key := f.serving()
	if err := writeKeyPair(serving, certificate, key); err != nil {
		return err
	}
	certificate, key = f.frontProxy()
	if err := writeKeyPair(proxy, certificate, key); err != nil {
		return err
	}
	if err := f.writeServiceAccountKey(); err != nil {
		return err
	}
	for _, user := range []struct {
		file, name string
		groups     []string
	}{
		{file: adminName, name: "headroom-lab-admin", groups: []string{"system:masters"}},
		{file: controllerManagerName, name: "system:kube-controller-manager"},
		{file: schedulerName, name: schedulerUser},
		{file: metricsServerName, name: "metrics-server"},
		{file: kwokName, name: "kwok"},
	} {
		pair, err := main.client(user.name, now, user.groups...)
		if err != nil {
			return err
		}
		if err := f.writeKubeconfig(user.file, user.name, url, main.encoded(), pair); err != nil {
			return fmt.Errorf("kubeconfig of %s: %w", user.name, err)
		}
	}
	return nil
}

// writeKubeconfig writes a kubeconfig with everything in it; clientcmd makes it readable by this user only.
func (f files) writeKubeconfig(file, user, url string, authority []byte, pair keyPair) error {
	const name = "headroom-lab"
	config := clientcmdapi.NewConfig()
	// Nothing leaves the machine, and to compress a long list takes as long as to make it.
	config.Clusters[name] = &clientcmdapi.Cluster{Server: url, CertificateAuthorityData: authority, DisableCompression: true}
	config.AuthInfos[user] = &clientcmdapi.AuthInfo{ClientCertificateData: pair.certificate, ClientKeyData: pair.key}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: user}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, f.kubeconfig(file))
}

// writeServiceAccountKey writes the key pair with which service account tokens are signed and checked.
func (f files) writeServiceAccountKey() error {
	key, err := newKey()
	if err != nil {
		return err
	}
	private, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return err
	}
	publicPath, privatePath := f.serviceAccount()
	if err := os.WriteFile(privatePath, private, 0o600); err != nil {
		return err
	}
	public, err := marshalPublicKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(publicPath, public, 0o600)
}
