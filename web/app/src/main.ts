import { mount } from 'svelte';
import App from './App.svelte';
import './styles/tokens.css';
import './styles/base.css';
import './styles/print.css';
import { connect } from './data/link';
import { applyTheme } from './shell/theme.svelte';
import { speakAsBefore } from './words/words.svelte';
import { begin } from './worker/connect';

if (import.meta.env.DEV) connect((await import('./dev/sample')).sample());
else void begin().then(connect);
applyTheme();
await speakAsBefore();
mount(App, { target: document.getElementById('app') ?? document.body });
