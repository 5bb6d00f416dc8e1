// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Which commands of cert-manager the tests build: named here so that go.mod and go.sum cover them.
package tools

import _ "github.com/cert-manager/cert-manager/cmd/controller"
