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
		// What many screens use comes as one file, rather than as a hundred; what is heavy comes with the first that wants it.
		rolldownOptions: { output: { codeSplitting: { groups: [{ name: 'shared', minShareCount: 4, test: /src.(parts.(?!Dialog|Trend)|data|shell)|lucide/ }] } } },
	},
	worker: { format: 'es' },
	server: { host: 'localhost' },
});
