/** The heights of the rows of a long list: measured where they were seen, and estimated elsewhere. */
export class Heights {
	readonly #heights: Float64Array;
	readonly #above: Float64Array; // of rows up to #clean
	#clean = 0;

	constructor(count: number, estimate: number) {
		this.#heights = new Float64Array(count).fill(estimate);
		this.#above = new Float64Array(count + 1);
	}

	set(index: number, height: number): void {
		if (index >= this.#heights.length || this.#heights[index] === height || height === 0) return;
		this.#heights[index] = height;
		this.#clean = Math.min(this.#clean, index);
	}

	/** How high all rows before one are together. */
	above(index: number): number {
		for (; this.#clean < index; this.#clean++) this.#above[this.#clean + 1] = (this.#above[this.#clean] ?? 0) + (this.#heights[this.#clean] ?? 0);
		return this.#above[index] ?? 0;
	}

	/** Which row is at a distance from the top: the first or the last if none is. */
	at(distance: number): number {
		let low = 0;
		let high = this.#heights.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (this.above(middle + 1) <= distance) low = middle + 1;
			else high = middle;
		}
		return Math.max(0, Math.min(low, this.#heights.length - 1));
	}
}
