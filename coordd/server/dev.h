#ifndef COORD_SERVER_DEV_H
#define COORD_SERVER_DEV_H

#include "base/buf.h"
#include "base/status.h"
#include "server/config.h"

#include <stdint.h>

/*
 * `coordd --dev`: one replica for trying things out, that needs nothing before it. Everything it
 * makes lies in one directory, ./.coord-dev or data_dir if that was given:
 *
 *   tls/ca.crt server.crt server.key client.crt client.key    data/    env
 *
 * The CA's key is never written: when a certificate is missing or near its end, all are made anew.
 * It listens on loopback alone and knows no peers. Thread: main, before the loop.
 */

/*
 * Makes the directory and certificates and sets what the configuration leaves open: node 1,
 * loopback listeners, tls.*, data_dir, the client's identity among admins. `now_s`: seconds since
 * 1970.
 * Returns: CD_OK; CD_INVALID_ARGUMENT (a setting that --dev cannot have: tls.*, peers, a listener
 * beyond loopback); CD_IO, CD_FULL (directory or files).
 */
CD_MUST_USE enum cd_status server_dev_prepare(struct server_config *config, int64_t now_s,
                                              struct cd_error *error);

/*
 * The lines that let a shell's coordctl reach the replica, `export NAME=value` each, quoted where
 * need be; `port` is what client_listen was bound to. Paths are absolute.
 */
void server_dev_exports(const struct server_config *config, uint16_t port, struct cd_buf *out);

/* Writes them to the file env of the directory. Returns: CD_OK, CD_IO. */
CD_MUST_USE enum cd_status server_dev_write_env(const struct server_config *config,
                                                const struct cd_buf *exports,
                                                struct cd_error *error);

#endif
