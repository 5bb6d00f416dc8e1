// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * A Druid driver over a node whose TLS port is closed, so that the plain one is asked after it. For programs
 * that include cmocka.h before.
 */
#include "hooks/hook.h"

struct druid_scene {
        struct policy policy;
        struct hook_settings settings;
        const struct hook *hook;
        struct database *database;
        const char *endpoints[2];
        const char *passwords[8];
        const char *command[4];
};

static inline UNUSED void druid_scene_open(struct druid_scene *scene, const char *role, int plain_port)
{
        struct err err = ERR_INIT;

        scene->hook = hook_find("druid");
        policy_init(&scene->policy);
        scene->endpoints[0] = "https://127.0.0.1:1";
        for (size_t i = 0; i < scene->hook->n_outputs; i++)
                scene->passwords[i] = "/nowhere/password";
        scene->settings.publish = "/nowhere";
        scene->settings.outputs = scene->hook->outputs;
        scene->settings.n_outputs = scene->hook->n_outputs;
        scene->settings.password_files = scene->passwords;
        scene->settings.endpoints = scene->endpoints;
        scene->settings.policy = &scene->policy;
        scene->settings.druid.role = role;
        scene->settings.druid.plain_port = plain_port;
        scene->settings.druid.password_variable = "DRUID_KEY_STORE_PASSWORD";
        scene->settings.druid.client_extension = true;
        scene->settings.druid.reload_interval_ms = 5000;
        scene->settings.druid.drain_limit_ms = 60000;
        if (scene->hook->open(&scene->settings, &scene->database, &err) != 0)
                fail_msg("%s", err.text);
}

static inline UNUSED void druid_scene_done_p(struct druid_scene *scene)
{
        if (scene->database != NULL)
                scene->hook->close(scene->database);
}
