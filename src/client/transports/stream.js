/** One answer that goes on. */
export const stream = ({ request, positions }, told, signal) => request.read(positions, {}, told, signal);
