/** The panel's style sheet as a bundle of its own, so that it comes beside the panel's code. */

import base from '../theme/base.css';
import tokens from '../theme/tokens.css';
import css from './panel.css';

export default tokens + base + css;
