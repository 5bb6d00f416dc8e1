# SPDX-License-Identifier: Apache-2.0
"""A crowd of databases that are objects only, and one program that plays all their agents, and cert-manager."""
