// SPDX-License-Identifier: Apache-2.0
/*
 * config/: every complaint, with its place in the file.
 */
#include "config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MARIADB "database: mariadb\nsource: /s\npublish: /p\n"
#define DRUID   "database: druid\nsource: /s\npublish: /p\nendpoints: [tls://127.0.0.1:1]\n"
#define GENERIC "database: generic\nsource: /s\npublish: /p\nendpoints: [tls://127.0.0.1:1]\n"

static const struct {
        const char *yaml;
        const char *text;
} refusals[] = {
        { "", "f: database: is missing: name the driver, one of " },
        { "[1]", "f:1:1: the file: must be a mapping: 'key: value' on each line" },
        { "database: mariadb", "f: source: is missing: name the directory with the new certificates" },
        { "database: mariadb\nsource: /s", "f: publish: is missing" },
        { "database: maria\nsource: /s", "f:1:11: database: 'maria' is not known" },
        { "database: mraiadb", "f:1:11: database: 'mraiadb' is not known, did you mean 'mariadb'?" },
        { "database: 5", "f:1:11: database: must be text: put it into quotes" },
        { "database: ", "f:1:10: database: has no value: give one or remove the line" },
        { MARIADB "databse: x", "f:4:1: unknown key 'databse', did you mean 'database'?" },
        { MARIADB "zzz: x", "f:4:1: unknown key 'zzz': certrotate.conf(5) lists all" },
        { MARIADB "admin: {sokcet: /x}", "f:4:9: unknown key 'admin.sokcet', did you mean 'socket'?" },
        { MARIADB "admn: {socket: /x}", "f:4:1: unknown key 'admn', did you mean 'admin'?" },
        { MARIADB "generic: {reload: {htp: {}}}",
          "f:4:20: unknown key 'generic.reload.htp', did you mean 'http'?" },
        { MARIADB "admin: 5", "f:4:8: admin: is a section: keys go below it" },
        { MARIADB "admin: [a]", "f:4:8: admin: is a section: keys go below it" },
        { MARIADB "admin.port: 5", "f:4:13: admin.port: write it as a section" },
        { MARIADB "source-files: {key: a/b}", "f:4:21: source-files.key: 'a/b' is not a file name" },
        { MARIADB "source-files: {key: ..data}", "f:4:21: source-files.key: '..data' is not a file name" },
        { MARIADB "state: a/b", "f:4:8: state: 'a/b' is a relative path: write it from '/'" },
        { MARIADB "state: /a/../b", "f:4:8: state: '/a/../b' contains '..'" },
        { MARIADB "state: \"\"", "f:4:8: state: must not be empty" },
        { MARIADB "state: [x]", "f:4:8: state: must be an absolute path" },
        { MARIADB "instance: \"a\\nb\"", "f:4:11: instance: contains a control character" },
        { MARIADB "rescan: 30", "f:4:9: rescan: 30 has no unit: write 500ms, 30s, 5m or 24h" },
        { MARIADB "rescan: 30x", "f:4:9: rescan: '30x' is not a duration such as 30s, 1m30s or 24h" },
        { MARIADB "rescan: 10ms", "f:4:9: rescan: must be between 1.0s and 24h0m" },
        { MARIADB "rescan: true", "f:4:9: rescan: must be a duration such as 500ms, 30s, 5m or 24h" },
        { MARIADB "apply: relaod", "f:4:8: apply: 'relaod' is not known, did you mean 'reload'?" },
        { MARIADB "apply: x", "f:4:8: apply: 'x' is not one of auto, reload, restart" },
        { MARIADB "apply: 1", "f:4:8: apply: must be one of auto, reload, restart" },
        { MARIADB "authorities: drop", "f:4:14: authorities: 'drop' is not one of replace, keep" },
        { MARIADB "authorities: true", "f:4:14: authorities: must be 'replace' or 'keep'" },
        { MARIADB "log-level: inof", "f:4:12: log-level: 'inof' is not known, did you mean 'info'?" },
        { MARIADB "listen: 9533", "f:4:9: listen: must be text: put it into quotes" },
        { MARIADB "listen: localhost:9533", "f:4:9: listen: 'localhost:9533' is not an address such as" },
        { MARIADB "listen: 1.2.3.4:99999", "f:4:9: listen: '1.2.3.4:99999' is not an address such as" },
        { MARIADB "names: db.example.com", "f:4:8: names: must be a list: [one, two]" },
        { MARIADB "names: [ok, 'a b']", "f:4:13: names: 'a b' is neither a DNS name nor an address" },
        { MARIADB "endpoints: []", "f:4:12: endpoints: must not be empty" },
        { MARIADB "endpoints: [foo://x:1]", "f:4:13: endpoints: " },
        { MARIADB "admin: {port: \"3306\"}",
          "f:4:15: admin.port: must be a number, in plain digits and without quotes" },
        { MARIADB "admin: {port: 0}", "f:4:15: admin.port: 0 is not between 1 and 65535" },
        { MARIADB "admin: {port: 1e3}", "f:4:15: admin.port: must be a number" },
        { MARIADB "galera: {group-address: db}", "f:4:25: galera.group-address: 'db' is not HOST:PORT" },
        { MARIADB "admin: {socket: /a, host: b}", "f:4:27: admin.host: and admin.socket exclude each other" },
        { MARIADB "generic: {pid-file: /x}",
          "f:4:10: generic: has no effect with database 'mariadb': remove it" },
        { MARIADB "policy: {expird: warn}",
          "f:4:18: policy: 'expird' is no finding, did you mean 'expired'?" },
        { MARIADB "policy: {expired: yes}", "f:4:19: policy: 'expired' must be refuse, warn or ignore" },
        { MARIADB "policy: [expired]", "f:4:9: policy: must be a mapping" },
        { MARIADB "files: tls.crt", "f:4:8: files: must be a list" },
        { MARIADB "files: []", "f:4:8: files: must have 1 to 32 entries" },
        { MARIADB "files: [tls.crt]", "f:4:9: files: an entry must be a mapping" },
        { MARIADB "files: [{content: key}]", "f:4:9: files: 'name' is missing in this entry" },
        { MARIADB "files: [{name: a}]", "f:4:9: files: 'content' is missing in this entry" },
        { MARIADB "files: [{name: a, content: kye}]",
          "f:4:28: content: 'kye' is not known, did you mean 'key'?" },
        { MARIADB "files: [{name: a, contnet: key}]",
          "f:4:19: unknown key 'contnet', did you mean 'content'?" },
        { MARIADB "kubernetes: {secret: A}", "f:4:22: kubernetes.secret: 'A' is not a name of Kubernetes" },
        { MARIADB "kubernetes: {pod: a/b}", "f:4:19: kubernetes.pod: 'a/b' is not a name of Kubernetes" },
        { MARIADB "kubernetes: {lease: px}", "f:4:21: kubernetes.lease: needs kubernetes.pod" },
        { MARIADB "kubernetes: {namespace: demo}", "f:4:25: kubernetes.namespace: has no effect alone" },
        { MARIADB "custom: {secret: px}", "f: custom.publish: is missing: name the directory" },
        { MARIADB "custom: {publish: /c}", "f: custom.secret: is missing: name the Secret" },
        { MARIADB "custom: {source: /f, publish: /p}",
          "f:4:31: custom.publish: is '/p': publish to a directory of its own" },
        { MARIADB "custom: {source: /f, publish: /f/c}",
          "f:4:31: custom.publish: is '/f' or inside it, which is only read" },
        { MARIADB "custom: {source: /f, publish: /s}",
          "f:4:31: custom.publish: is '/s' or inside it, which is only read" },
        { MARIADB "custom: {source: /f, publish: /c, mode: \"0666\"}",
          "f:4:41: custom.mode: '0666' lets everybody write" },
        { GENERIC "generic: {reload: {signal: HUP}, executable: r}\ncustom: {source: /f, publish: /c}",
          "f:6:31: custom.publish: needs a database that is restarted: set generic.restart" },
        { MARIADB "plan: /p\nkubernetes: {plan: px}",
          "f:5:20: kubernetes.plan: and plan exclude each other" },
        { MARIADB "files: [{name: a/b, content: key}]", "f:4:16: name: 'a/b' is not a file name" },
        { MARIADB "files: [{name: a, content: key, mode: 640}]",
          "f:4:39: mode: write the file mode in octal" },
        { MARIADB "files: [{name: a, content: key, mode: 0o640}]",
          "f:4:39: mode: '0o640' is not a file mode" },
        { MARIADB "files: [{name: a, content: key, mode: 0666}]",
          "f:4:39: mode: '0666' lets everybody write" },
        { MARIADB "files: [{name: a, content: key, mode: 0040}]",
          "f:4:39: mode: '0040' keeps the owner from" },
        { MARIADB "files: [{name: a, content: key, plain: yes}]",
          "f:4:40: plain: 'yes' is text: use true or false" },
        { MARIADB "files: [{name: a, content: key, plain: 1}]", "f:4:40: plain: use true or false" },
        { MARIADB "files: [{name: a, content: key, alias: b}]",
          "f:4:40: alias: only goes with content pkcs12" },
        { MARIADB "files: [{name: a, content: key}, {name: a, content: ca}]",
          "f:4:41: name: 'a' is published twice" },
        { "database: mariadb\nsource: /s\npublish: /s/", "f:3:10: publish: is the source" },
        { "database: mariadb\nsource: /s\npublish: /", "f:3:10: publish: is '/'" },
        { "database: mariadb\nsource: /s\npublish: /s/x", "f:3:10: publish: is inside the source" },
        { MARIADB "retry-min: 6m", "f:4:12: retry-min: is longer than retry-max" },
        { "database: generic\nsource: /s\npublish: /p\ngeneric: {reload: {command: [x]}}",
          "f: endpoints: is missing: the generic driver has none of its own" },
        { GENERIC, "f: generic.reload.command: a reload or a restart is needed" },
        { GENERIC "generic: {reload: {signal: HUP}}",
          "f:5:28: generic.reload.signal: needs generic.executable" },
        { DRUID "process: {pid-file: /r}", "f:5:21: process.pid-file: needs process.executable too" },
        { DRUID "process: {signal: INT}", "f:5:19: process.signal: needs process.executable" },
        { DRUID "process: {executable: x, command: [y]}",
          "f:5:23: process.executable: and process.command exclude each other" },
        { GENERIC "generic: {reload: {signal: KILL}}",
          "f:5:28: generic.reload.signal: 'KILL' is not one of HUP, INT, QUIT, TERM, USR1, USR2, WINCH" },
        { GENERIC "generic: {reload: {command: [a], http: {url: \"http://h/\"}}}",
          "f:5:46: generic.reload.http.url: is a second way to reload" },
        { GENERIC "generic: {reload: {http: {url: \"http://u:p@h/\"}}}",
          "f:5:32: generic.reload.http.url: 'http://u:p@h/' is not a URL" },
        { GENERIC "generic: {reload: {http: {url: \"file:///x\"}}}", "f:5:32: generic.reload.http.url: " },
        { GENERIC "generic: {reload: {command: []}}", "f:5:29: generic.reload.command: must not be empty" },
        { GENERIC "generic: {reload: {command: nginx}}", "f:5:29: generic.reload.command: must be a list" },
        { GENERIC "generic: {reload: {command: [a, 5]}}", "f:5:33: generic.reload.command: must be text" },
        { GENERIC "apply: restart\ngeneric: {reload: {command: [a]}}", "f:5:8: apply: 'restart' needs" },
        { GENERIC "admin: {port: 1}\ngeneric: {reload: {command: [a]}}",
          "f:5:8: admin: has no effect with database 'generic'" },
};

static void complaints(void **state UNUSED)
{
        for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
                struct config *config = NULL;
                struct err err = ERR_INIT;

                if (config_parse("f", refusals[i].yaml, strlen(refusals[i].yaml), NULL, &config, &err) == 0)
                        fail_msg("taken: %s", refusals[i].yaml);
                assert_int_equal(err.kind, ERR_USAGE);
                assert_null(config);
                if (strncmp(err.text, refusals[i].text, strlen(refusals[i].text)) != 0)
                        fail_msg("\n%s\n%s", err.text, refusals[i].text);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(complaints) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
