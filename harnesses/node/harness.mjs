#!/usr/bin/env node
// The harness of node:crypto: reads requests on standard input, a line each, and answers them.

import { algorithms as criu } from './criu.mjs';
import { algorithms as dmCrypt } from './dm-crypt.mjs';
import { algorithms as jwe } from './jwe.mjs';
import { algorithms as keys } from './keys.mjs';
import { algorithms as ocicrypt } from './ocicrypt.mjs';
import { Unsupported } from './operation.mjs';
import { algorithms as primitives } from './primitives.mjs';

const PROTOCOL = 1;
const ALGORITHMS = { ...primitives, ...keys, ...jwe, ...dmCrypt, ...criu, ...ocicrypt };

function hello({ protocol }) {
  if (protocol !== PROTOCOL) return { error: `this harness speaks protocol ${PROTOCOL}` };
  return {
    protocol,
    name: 'node',
    library: 'node:crypto',
    version: `${process.version} (OpenSSL ${process.versions.openssl})`,
    implements: Object.keys(ALGORITHMS),
  };
}

function answer(request) {
  if (request.operation === 'hello') return hello(request);
  try {
    const operation = own(own(ALGORITHMS, request.algorithm), request.operation);
    if (!operation) throw new Unsupported('no such algorithm or operation');
    return operation(request);
  } catch (reason) {
    // Whatever the library throws over a value, its refusal is the answer.
    return reason instanceof Unsupported ? { unsupported: reason.message } : { error: String(reason) };
  }
}

function own(object, name) {
  return object && Object.hasOwn(object, name) ? object[name] : undefined;
}

let rest = '';
for await (const piece of process.stdin.setEncoding('utf8')) {
  const lines = (rest + piece).split('\n');
  rest = lines.pop();
  for (const line of lines) {
    const request = JSON.parse(line);
    process.stdout.write(`${JSON.stringify({ id: request.id, ...answer(request) })}\n`);
  }
}
