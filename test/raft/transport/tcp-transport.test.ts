import { randomBytes } from 'node:crypto';
import { describe, test } from 'vitest';
import { TcpTransport } from '../../../src/raft/transport/tcp-transport';
import { raftTransportConformance } from '../../../src/testing/raft-transport-conformance';
import { TestAuthority } from './certificates';

const listen = { host: '127.0.0.1', port: 0 };

describe('conformance with a secret', () => {
  const make = async () => {
    const transport = new TcpTransport({ listen, secret: 'a secret of this test', randomBytes });
    return underTest(transport);
  };
  for (const { name, run } of raftTransportConformance(make)) test(name, run);
});

describe('conformance with certificates', () => {
  const authority = new TestAuthority();
  const { key, cert } = authority.issue({ names: ['127.0.0.1'] });
  const make = async () => {
    const transport = new TcpTransport({ listen, tls: () => ({ key, cert, ca: authority.cert }), randomBytes });
    return underTest(transport);
  };
  for (const { name, run } of raftTransportConformance(make)) test(name, run);
});

function underTest(transport: TcpTransport) {
  return {
    transport,
    get address() {
      return transport.address;
    },
  };
}
