/** Turns the bytes of a body, as they come, into the objects on its lines. */
export class Lines {
  #decoder = new TextDecoder();
  #begun = []; // a line that has not ended; a long one comes in many pieces, which are joined once

  /** @throws SyntaxError when a line is no JSON. */
  take(bytes) {
    const text = this.#decoder.decode(bytes, { stream: true });
    const end = text.lastIndexOf('\n');
    if (end < 0) {
      this.#begun.push(text);
      return [];
    }
    const lines = (this.#begun.join('') + text.slice(0, end)).split('\n');
    this.#begun = [text.slice(end + 1)];
    return lines.filter(line => line !== '').map(line => JSON.parse(line));
  }
}
