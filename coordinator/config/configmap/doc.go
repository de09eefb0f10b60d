// Package configmap is a configuration source that follows a ConfigMap: the cluster
// configuration is the text of its key cluster.yaml or config.yaml, or of its only key.
//
// It keeps the contract of config.Source. Changes are noticed by a watch, which is begun
// anew whenever it ends, and by looking after each beginning and now and then. Update
// replaces the one key on condition of the resourceVersion that was read, and leaves
// what else the ConfigMap has. A ConfigMap that is deleted, or has no such key, leaves
// the configuration in force as it is, and is told by Problem.
//
// A Role has to allow get and watch of the ConfigMap by its name, and update if the
// admin service is to change the configuration: without it, updates are told to be
// read-only. The ConfigMap is never made here.
package configmap
