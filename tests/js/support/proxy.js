// @ts-check
/** A network that fails on demand, between a client and a real server. */

import { connect, createServer } from 'node:net';

export class Proxy {
  /** Whether upgrades are let through; where not, they get 503 as from a proxy that knows no sockets. */
  letsSocketsThrough = true;
  /** Connections that carried a socket. */
  sockets = 0;
  /** @type {Set<import('node:net').Socket>} */
  #ends = new Set();
  #server;

  /** @param {URL} target */
  constructor(target) {
    this.#server = createServer((client) => this.#join(client, Number(target.port), target.hostname));
  }

  /** @param {string} url of the server */
  static async start(url) {
    const proxy = new Proxy(new URL(url));
    await new Promise((resolve) => proxy.#server.listen(0, '127.0.0.1', () => resolve(undefined)));
    return proxy;
  }

  get host() {
    return `127.0.0.1:${/** @type {any} */ (this.#server.address()).port}`;
  }

  /** Every connection breaks. */
  cut() {
    for (const end of this.#ends) end.destroy();
  }

  /** Every connection of now goes silent, and neither end notices. */
  freeze() {
    for (const end of this.#ends) end.pause().unpipe();
  }

  async stop() {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /**
   * @param {import('node:net').Socket} client
   * @param {number} port
   * @param {string} hostname
   */
  #join(client, port, hostname) {
    client.once('data', (first) => {
      const isSocket = /^upgrade: *websocket/im.test(first.toString('latin1'));
      if (isSocket && !this.letsSocketsThrough) {
        return client.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      }
      if (isSocket) this.sockets += 1;
      const server = connect(port, hostname);
      server.write(first);
      client.pipe(server).pipe(client);
      for (const [end, other] of [[client, server], [server, client]]) {
        this.#ends.add(end);
        end.on('close', () => {
          this.#ends.delete(end);
          other.destroy();
        });
      }
      server.on('error', () => {});
    });
    client.on('error', () => {});
  }
}
