// One operation of an algorithm: which values a request gives it, and which ones it answers.

// The members of a request that are text. Integers are integers; everything else is octets in hexadecimal.
const TEXT = new Set(['hash', 'mgfHash', 'jwk', 'jwe', 'privateOptions', 'publicOptions']);

/** The library has no such algorithm, key size or length. */
export class Unsupported extends Error {}

/**
 * `run` takes the values named in `given` and returns those named in `answered`, as an array if there are several.
 * `sizes` has the lengths in bytes that the algorithm fixes.
 */
export function operation(run, given, answered, sizes = {}) {
  const names = answered.split(' ');
  return (request) => {
    const results = run(...given.split(' ').map((name) => value(request, name, sizes[name])));
    const all = names.length === 1 ? [results] : results;
    return Object.fromEntries(names.map((name, i) => [name, Buffer.from(all[i]).toString('hex')]));
  };
}

function value(request, name, size) {
  const given = request[name];
  if (given === undefined) throw new Error(`the request has no ${name}`);
  if (TEXT.has(name) || Number.isInteger(given)) return given;
  const octets = Buffer.from(given, 'hex');
  if (octets.length * 2 !== given.length) throw new Error(`${name} is not hexadecimal`);
  if (size !== undefined && octets.length !== size) {
    const reason = `${name} has ${octets.length} bytes, not ${size}`;
    // A tag of another length does not hold; any other length is one that is not offered.
    throw name === 'tag' ? new Error(reason) : new Unsupported(reason);
  }
  return octets;
}
