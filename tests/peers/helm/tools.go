// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Which command of Helm the tests build: named here so that go.mod and go.sum cover it.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
