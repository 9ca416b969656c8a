import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// Browsers that have light-dark(), the popover attribute and WebAuthn's PRF extension.
const browsers = ['chrome125', 'firefox128', 'safari18'];

export default defineConfig({
	plugins: [svelte()],
	build: {
		outDir: '../dist',
		emptyOutDir: true,
		target: browsers,
		// The content security policy allows nothing that stands inside a page or a data: address.
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		reportCompressedSize: false,
	},
	worker: { format: 'es' },
	server: { host: 'localhost' },
});
