// What only the page that is one file says, beside the Lab's own texts.

import { STRINGS } from "../strings.js";

Object.assign(STRINGS, /** @type {Record<string, [string, string]>} */ ({
  "single.experiment": ["Network and training", "网络与训练"],
  "single.stack": ["Between the layers", "层与层之间"],
  "single.clip": ["Clip the gradient to the norm 1", "把梯度截断到范数 1"],
  "single.clip.long": ["A gradient that is longer than 1 is shortened to 1 before each step: its direction stays.", "每步之前把长于 1 的梯度缩短到 1：方向不变。"],
  "single.about": ["Everything runs in this file, with the same machine as in the installed package; nothing is sent anywhere. Other activations, depths, widths and data, theory, spectra and the microscope are in the installed Lab:", "一切都在本文件中运行，所用机器与安装版相同，不向任何地方发送数据。其他激活函数、深度、宽度和数据，以及理论、谱和显微镜，见安装版实验室："],
  "option.plain": ["nothing", "无"],
  "option.residual": ["residual connections", "残差连接"],
  "single.batch": ["batch normalization", "批归一化"],
}));
