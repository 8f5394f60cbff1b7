// A sound that is played from its bytes: the page's policy need not allow media.

export const SLOW = 0.75;

export class Sound {
  #context = new AudioContext(); // before anything is waited for: browsers let a sound begin at a press only

  stop = () => this.#context.state === "closed" || this.#context.close();

  async play(bytes, playbackRate) {
    const context = this.#context, buffer = await context.decodeAudioData(bytes);
    const source = new AudioBufferSourceNode(context, { buffer, playbackRate });
    source.onended = this.stop;
    source.connect(context.destination);
    source.start();
  }
}
