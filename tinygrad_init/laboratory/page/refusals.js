// Why the server refuses something, in Chinese. Its messages are translated as wholes; what they quote stays as it is.

/** @type {[RegExp, string][]} */
const REFUSALS = [
  [/^expected a number from (\S+) to (\S+), got (.+)$/, "应为 $1 到 $2 之间的数，实际为 $3"],
  [/^expected a whole number, got (.+)$/, "应为整数，实际为 $1"],
  [/^expected a number, got (.+)$/, "应为数字，实际为 $1"],
  [/^expected a text, got (.+)$/, "应为文本，实际为 $1"],
  [/^expected true or false, got (.+)$/, "应为 true 或 false，实际为 $1"],
  [/^expected a list, got (.+)$/, "应为列表，实际为 $1"],
  [/^expected an object, got (.+)$/, "应为对象，实际为 $1"],
  [/^expected ('\w+'(?: or '\w+')*), got (.+)$/, "应为 $1，实际为 $2"],
  [/^expected one of (.+); got (.+)$/, "应为以下之一：$1；实际为 $2"],
  [/^expected one of (.+)$/, "应为以下之一：$1"],
  [/^expected (\d+) to (\d+) items, got (\d+)$/, "应有 $1 到 $2 项，实际为 $3 项"],
  [/^expected (\d+) to (\d+) characters, got (\d+)$/, "应有 $1 到 $2 个字符，实际为 $3 个"],
  [/^expected (\d+) items, got (\d+)$/, "应有 $1 项，实际为 $2 项"],
  [/^expected (\d+) to (-?\d+), got (\d+)$/, "应为 $1 到 $2，实际为 $3"],
  [/^expected 1 or (\d+), got (\d+)$/, "应为 1 或 $1 个，实际为 $2 个"],
  [/^unknown; expected (.+)$/, "未知的名称；应为：$1"],
  [/^missing$/, "缺少此项"],
  [/^expected Unicode text, got half of a surrogate pair$/, "应为 Unicode 文本，实际含有半个代理对"],
  [/^expected an object with a type$/, "应为带有 type 的对象"],
  [/^expected configure before (\w+)$/, "$1 之前应先有 configure"],
  [/^expected JSON: (.+)$/, "应为 JSON：$1"],
  [/^expected text, got bytes$/, "应为文本，实际为字节"],
  [/^expected a message of at most (\d+) kB, got (\d+) kB$/, "消息最多 $1 kB，实际为 $2 kB"],
  [/^more than (\d+) messages a second$/, "每秒消息超过 $1 条"],

  [/^expected at least 2 points, got (\d+)$/, "至少需要 2 个点，实际为 $1 个"],
  [/^expected points of at least two classes, got only class 0$/, "至少需要两个类别的点，现在只有类别 0"],
  [/^expected each feature once$/, "每个特征只应出现一次"],
  [/^expected half_squared_error, as (\w+) has numbers to learn, not classes$/, "应为 half_squared_error：$1 要学的是数值，不是类别"],
  [/^batch normalization needs 2 samples, but a batch of (\d+) leaves 1 alone$/, "批归一化至少需要 2 个样本，批大小 $1 会剩下单独 1 个"],
  [/^(\d+) samples at a time through (\d+) units in (\d+) runs is too much; a batch of (\d+) would do$/,
    "每次 $1 个样本经过 $2 个单元、共 $3 个运行，计算量过大；批大小取 $4 即可"],
  [/^too large beside the other pages that are open; close one, or take a smaller$/, "与其他打开的页面合计过大；请关闭一个页面，或缩小实验"],
  [/^not enough memory for this experiment$/, "内存不足，无法运行此实验"],
  [/^(\d+) pages are open already; close one$/, "已打开 $1 个页面；请关闭一个"],
  [/^this is shown in more than (\d+) places; here it has ended$/, "同一实验显示在 $1 处以上；此处已停止"],
  [/^unexpected (\w+: .+)$/, "意外错误 $1"],
  [/^(\w+): expected another start, as there is no model that was given$/, "$1：没有给定的模型，请选其他初始化"],
  [/^expected nothing, as it is the model's own or its data's$/, "不应设置：它由所给模型或其数据决定"],
  [/^expected a run and a layer that are there$/, "应为存在的运行和层"],
  [/^expected a place in a weight or bias of shape (.+), got (.+)$/, "应为形状 $1 的权重或偏置中的位置，实际为 $2"],
  [/^expected csv or json: how a model of your own is built, only you know$/, "只能导出 csv 或 json：您自己的模型如何构建，只有您知道"],

  [/^(.+) is not finite$/, "$1 不是有限数"],
  [/^expected at most (\d+) nodes$/, "最多 $1 个节点"],
  [/^expected at most (\d+) levels$/, "最多嵌套 $1 层"],
  [/^expected at most (\d+) characters, got (\d+)$/, "最多 $1 个字符，实际为 $2 个"],
  [/^(\w+): expected one of (.+), with one number$/, "$1：应为 $2 之一，且只带一个数"],
  [/^expected numbers, names, \+ - \* \/ \*\*, parentheses and functions$/, "只能使用数、名称、+ - * / **、括号和函数"],
  [/^(\w+) is a function: write (.+)$/, "$1 是函数：请写作 $2"],
  [/^expected a number for (\w+)$/, "请给 $1 一个数值"],
  [/^(.+): divides by 0$/, "$1：除数为 0"],
  [/^(.+): too large$/, "$1：数值过大"],
  [/^(.+): not defined there$/, "$1：在此处无定义"],
  [/^cannot be read: too deep or too large$/, "无法解析：嵌套过深或过大"],
  [/^cannot be read: invalid syntax.*$/, "无法解析：语法错误"],
  [/^cannot be read: ('.') was never closed$/, "无法解析：$1 没有闭合"],
  [/^cannot be read: unmatched ('.')$/, "无法解析：多余的 $1"],
  [/^cannot be read: (.+)$/, "无法解析：$1"],
  [/^unexpected ('.+')$/, "不应出现 $1"],
  [/^expected a weight that only dense layers follow$/, "所选权重之后只能是全连接层"],
];

/**
 * @param {string} message
 * @returns {string | null} null if it is none of those that are known
 */
export function translateRefusal(message) {
  const known = REFUSALS.find(([pattern]) => pattern.test(message));
  return known ? message.replace(...known) : null;
}
