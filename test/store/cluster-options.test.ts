import { MemoryError } from 'multi-agent-memory';
import { InProcessNetwork } from 'multi-agent-memory/testing';
import { describe, expect, test } from 'vitest';
import type { ClusterOptions } from '../../src/store/cluster-options';
import { parseOptions } from '../../src/store/open-options';

const loopback = { host: '127.0.0.1', port: 7411 };
const secret = 'sixteen letters!';
const tls = () => ({ key: 'k', cert: 'c', ca: 'a' });

/** The sentences of the refusal, each with the path that it is about. */
function refusals(cluster: unknown, others = {}): string[] {
  try {
    parseOptions({ cluster: cluster as ClusterOptions, ...others });
  } catch (error) {
    if (!MemoryError.is(error) || error.code !== 'INVALID_INPUT') throw error;
    return error.issues.map(({ path, message }) => `${path.join('.').replace(/^cluster\./, '')}: ${message}`);
  }
  return [];
}

const parsed = (cluster: ClusterOptions) => parseOptions({ cluster }).cluster;

describe('the option cluster', () => {
  test('advertises the address of `listen`, and makes a voter that waits for 5 seconds, by default', () => {
    expect(parsed({ listen: loopback, secret, bootstrap: true })).toEqual({
      listen: loopback,
      advertise: '127.0.0.1:7411',
      bootstrap: true,
      join: [],
      role: 'voter',
      tls: undefined,
      secret,
      transport: undefined,
      waitMs: 5_000,
      maxClockSkewMs: 10_000,
      snapshotEveryMs: 3_600_000,
    });
  });

  test('takes a transport of the host in place of `listen`, with addresses of any form', () => {
    const transport = () => new InProcessNetwork().transport('here');
    const given = { transport, advertise: 'here', join: ['cluster.node 2'] };
    expect(parsed(given)).toMatchObject({ ...given, listen: undefined, secret: undefined });
    expect(refusals({ transport: {}, advertise: '' })).toEqual([
      expect.stringMatching(/^advertise: .*1 to 255/),
      expect.stringMatching(/^transport: .*a function/),
    ]);
    expect(refusals({ transport, listen: loopback, secret, tls })).toEqual([
      expect.stringMatching(/^advertise: /),
      expect.stringMatching(/^listen: .*got both/),
      expect.stringMatching(/^tls: .*got both/),
      expect.stringMatching(/^secret: .*got both/),
    ]);
    expect(refusals({ transport, join: [] })).toEqual([
      expect.stringMatching(/^join: .*at least one/),
      expect.stringMatching(/^advertise: /),
    ]);
    expect(refusals({ bootstrap: true, secret })).toEqual([expect.stringMatching(/^listen: .*got neither/)]);
  });

  test('needs neither `bootstrap` nor `join`, because the folder of a member knows its cluster', () => {
    expect(parsed({ listen: { host: '::1', port: 1 }, secret })).toMatchObject({ advertise: '[::1]:1', join: [] });
  });

  test('takes any address with `tls`', () => {
    const listen = { host: '0.0.0.0', port: 7411 };
    const given = { listen, advertise: 'a.example:7411', join: ['10.0.0.2:7411', '[fd00::2]:80'], tls };
    expect(parsed(given)).toMatchObject({ ...given, role: 'voter' });
  });

  test('reports every problem at once', () => {
    expect(refusals({ listen: { host: '', port: 0 }, advertise: '', join: ['b:1', ''], waitMs: -1, rol: 1 })).toEqual([
      expect.stringMatching(/^listen\.host: .*host name/),
      expect.stringMatching(/^listen\.port: .*1 to 65535, got 0/),
      expect.stringMatching(/^advertise: .*an address/),
      expect.stringMatching(/^join\.1: .*an address/),
      expect.stringMatching(/^waitMs: /),
      expect.stringMatching(/^rol: .*role/),
    ]);
    expect(refusals({ listen: loopback, secret, advertise: 'a', join: ['127.0.0.1:1', 'c'] })).toEqual([
      expect.stringMatching(/^advertise: .*an address/),
      expect.stringMatching(/^join\.1: .*an address/),
    ]);
    expect(refusals({ listen: loopback, bootstrap: true, join: [], role: 'learner' })).toEqual([
      expect.stringMatching(/^bootstrap: .*got both/),
      expect.stringMatching(/^join: .*at least one/),
      expect.stringMatching(/^role: .*must be a voter/),
      expect.stringMatching(/^cluster: .*16 characters; got neither/),
    ]);
  });

  test('without `tls`, takes only loopback addresses and a secret', () => {
    const far = { listen: { host: '10.0.0.1', port: 7411 }, join: ['127.0.0.1:1', 'b.example:1'] };
    expect(refusals({ ...far, secret })).toEqual([
      expect.stringMatching(/^listen\.host: .*loopback/),
      expect.stringMatching(/^join\.1: .*loopback/),
    ]);
    expect(refusals({ listen: loopback, advertise: '10.0.0.1:7411', secret })).toEqual([
      expect.stringMatching(/^advertise: .*loopback/),
    ]);
    expect(refusals({ listen: loopback, secret: 'short' })).toEqual([
      expect.stringMatching(/^secret: expected 16 to 1000 characters, got 5/),
    ]);
    expect(refusals({ listen: loopback, secret, tls })).toEqual([expect.stringMatching(/^secret: .*got both/)]);
  });

  test('takes no address for all addresses of a machine as the one at which others reach it', () => {
    expect(refusals({ listen: { host: '0.0.0.0', port: 1 }, tls })).toEqual([expect.stringMatching(/^advertise: /)]);
    expect(refusals({ listen: { host: '::', port: 1 }, advertise: '[::]:1', tls })).toHaveLength(1);
  });

  test('never names the secret in an error', () => {
    const error = refusals({ listen: { host: '10.0.0.1', port: 0 }, secret: 'hunter2', join: [1] }).join(' ');
    expect(error).not.toContain('hunter2');
  });

  test('is refused together with `readOnly`, and beside the other problems', () => {
    expect(refusals({ listen: loopback, secret }, { readOnly: true, serve: true })).toEqual([
      expect.stringMatching(/^serve: /),
      expect.stringMatching(/^cluster: .*read-only/),
    ]);
    expect(refusals({ listen: loopback }, { readOnly: 1 })).toEqual([
      expect.stringMatching(/^readOnly: /),
      expect.stringMatching(/^cluster: .*got neither/),
    ]);
  });
});
