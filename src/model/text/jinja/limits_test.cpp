// Hostile templates: each ends in an error that names the limit and its value, soon and with little memory. The
// program's own operator new counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include "core/base/base.h"
#include "core/base/counted_new.h"
#include "model/text/jinja/template.h"

namespace kinglet::text::jinja {
namespace {

using testing::HasSubstr;

std::string error_of(const std::string& source, const RenderOptions& options = {}, const Dict& context = {}) {
  try {
    static_cast<void>(Template(source, "t").render(Value::dict(context), options));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.message();
  }
  return "";
}

std::string repeated(std::string_view text, size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += text;
  return out;
}

struct Hostile {
  std::string source;
  std::string limit;  ///< What the message has in it.
};

// The standard limits; with sanitizers, which make all of it several times as slow, a part of them, and shorter
// sources.
constexpr RenderOptions kOptions = {
    .max_steps = RenderOptions().max_steps / (KINGLET_SANITIZED ? 8 : 1),
    .max_made = RenderOptions().max_made / (KINGLET_SANITIZED ? 8 : 1),
};
constexpr size_t kMany = KINGLET_SANITIZED ? 20000 : 200000;
const std::string kSteps = str("takes more than ", kOptions.max_steps, " steps");
const std::string kMade = str("makes more than ", kOptions.max_made, " bytes");
const std::string kNested = "nested deeper than";

// A list of its own function: one table would be a static constructor.
std::vector<Hostile> hostile_templates() {
  return {
      // clang-format off
      // Loops.
      {"{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}", "more than"},
      {"{% set r = range(100000) %}{% for i in r %}{% for j in r %}{% endfor %}{% endfor %}", kSteps},
      {"{% set r = range(100000) %}{% for i in r %}{% for j in r if false %}{% endfor %}{% endfor %}", kSteps},
      {"{% set r = range(100000) %}{% for i in r %}{{ r|sum }}{% endfor %}", kSteps},
      {"{% set r = range(100000) %}{% for i in r %}{{ 5 in r[::-1] }}{% endfor %}", "more than"},
      {"{% set r = range(100000) %}{% for i in r %}{{ r == range(100000) }}{% endfor %}", "more than"},
      {"{% set r = range(100000)|list %}{% for i in r %}{{ -1 in r }}{% endfor %}", kSteps},
      {"{% set r = range(100000)|list %}{% for i in r %}{{ r.index(-1) }}{% endfor %}", "not in list"},
      {"{% set r = range(100000)|list %}{% for i in r %}{{ r.count(-1) }}{% endfor %}", kSteps},
      {"{% set r = range(100000)|list %}{% for i in r %}{{ r|sort|length }}{% endfor %}", "more than"},
      {"{% set r = range(100000)|list %}{% for i in r %}{{ r|unique|list|length }}{% endfor %}", "more than"},
      {"{% set r = range(100000)|list %}{% for i in r %}{{ r|max }}{{ r|join|length }}{% endfor %}", "more than"},
      {"{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}", kNested + " 400"},
      // Numbers.
      {"{{ range(10**12) }}", "1000000000000 numbers, the limit is 100000"},
      {"{{ range(-9223372036854775807, 9223372036854775807, 1) }}", "the limit is 100000"},
      {"{{ 10 ** 1000000000 }}", "over 64 bits"},
      {"{{ 7 ** 9223372036854775807 }}", "over 64 bits"},
      {"{{ 10.0 ** 1000000000 }}", "too large"},
      {"{{ 9223372036854775807 + 1 }}", "over 64 bits"},
      {"{{ (-9223372036854775807 - 1) // -1 }}", "over 64 bits"},
      {"{{ -(-9223372036854775807 - 1) }}", "over 64 bits"},
      {"{{ (-9223372036854775807 - 1)|abs }}", "over 64 bits"},
      {"{{ 99999999999999999999 }}", "over 63 bits"},
      // Texts and lists of any size.
      {"{{ 'x' * 10**9 }}", kMade},
      {"{{ 'x' * 10**18 }}", kMade},
      {"{{ 10**18 * 'abc' }}", kMade},
      {"{{ [0] * 10**9 }}", kMade},
      {"{{ [0] * 10**18 }}", kMade},
      {"{{ (0, 1) * 10**18 }}", kMade},
      {"{% set x = namespace(a='x' * 1000) %}{% for i in range(100) %}{% set x.a = x.a + x.a %}{% endfor %}", kMade},
      {"{% set x = namespace(a='x' * 1000) %}{% for i in range(100) %}{% set x.a = x.a ~ x.a %}{% endfor %}", kMade},
      {"{% set x = namespace(a=[0]) %}{% for i in range(100) %}{% set x.a = x.a + x.a %}{% endfor %}", kMade},
      {"{% set x = namespace(a='') %}{% for i in range(100000) %}{% set x.a = x.a + 'abcdefghij' * 10 %}{% endfor %}", kMade},
      {"{% set x = 'x' * 1000000 %}{% for i in range(1000) %}{{ x.upper()|length }}{% endfor %}", "more than"},
      {"{% set x = 'x' * 1000000 %}{% for i in range(100000) %}{{ x|length }}{% endfor %}", kSteps},
      {"{% set x = 'x' * 1000000 %}{% for i in range(100000) %}{{ x[-1] }}{% endfor %}", kSteps},
      {"{% set x = 'x' * 1000000 %}{% for i in range(100000) %}{{ x.startswith('y') }}{% endfor %}", kSteps},
      {"{% set x = 'x' * 1000000 %}{% for i in range(100000) %}{{ x == x ~ '' }}{% endfor %}", "more than"},
      {"{% set x = 'x' * 1000000 %}{% for i in range(100000) %}{{ x < x }}{% endfor %}", kSteps},
      {"{% set x = 'x' * 1000000 %}{% for c in x %}{% for d in x %}{% endfor %}{% endfor %}", kMade},
      {"{% set x = 'x' * 10000000 %}{{ x|list|length }}", "more than"},
      {"{% set x = 'x ' * 10000000 %}{{ x.split()|length }}", kMade},
      {"{% set x = ',' * 10000000 %}{{ x.split(',')|length }}", "more than"},
      {"{% set x = '\\n' * 10000000 %}{{ x.splitlines() }}", "more than"},
      {"{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}", kMade},
      {"{{ ('a' * 1000000).replace('', 'b' * 1000) }}", kMade},
      {"{{ ('a' * 1000000).join(['x'] * 100000) }}", kMade},
      {"{{ (['x'] * 100000)|join('a' * 1000000) }}", kMade},
      {"{{ ('a' * 2000000).find('a' * 1000000 ~ 'b') }}", kSteps},
      {"{{ ('a' * 1000000 ~ 'b') in ('a' * 2000000) }}", kSteps},
      {"{{ ('a' * 2000000).rsplit('b' ~ 'a' * 1000000) }}", kSteps},
      {"{{ ('a' * 2000000).strip('b' * 1000000) }}", kSteps},
      {"{{ ('<' * 30000000)|e }}", kMade},
      {"{{ ('<'|safe) + '<' * 30000000 }}", kMade},
      {"{{ ([0] * 3000000)|groupby(none)|length }}", kMade},
      {"{{ ([0] * 3000000)|sort|length }}", kMade},
      // Widths.
      {"{{ '%1000000000d' % 1 }}", "over 100000"},
      {"{{ '%99999999999999999999d' % 1 }}", "over 100000"},
      {"{{ '%*d' % (10**9, 1) }}", "over 100000"},
      {"{{ '%.1000000000f' % 1 }}", "over 100000"},
      {"{{ '%1000000000s' % 'a' }}", "over 100000"},
      {"{{ '{:>1000000000}'.format('a') }}", "over 100000"},
      {"{{ '{:.1000000000f}'.format(1.0) }}", "over 100000"},
      {"{{ '{:{}}'.format('a', 10**9) }}", "over 100000"},
      {"{{ '{99999999999999999999}'.format('a') }}", "there is no value for"},
      {"{{ '%99999d' * 2000 % ((1,) * 2000) }}", kMade},
      {"{{ 'a\\nb'|indent(10**9) }}", kMade},
      {"{{ ('a\\n' * 100000)|indent(100000) }}", kMade},
      {"{{ 'a'|center(10**9) }}", kMade},
      {"{{ 'a'|center(10**18) }}", kMade},
      {"{{ 'a'.ljust(10**18) }}", kMade},
      {"{{ 'a'.rjust(10**10, 'é') }}", kMade},
      {"{{ 'a'.zfill(10**18) }}", kMade},
      {"{{ [1]|tojson(indent=10**9) }}", kMade},
      {"{{ ([1] * 100000)|tojson(indent=100000) }}", kMade},
      {"{{ [1]|batch(10**18, 0)|list }}", kMade},
      {"{{ [1]|slice(10**18)|list }}", kMade},
      {"{{ strftime_now('%c' * 10000000) }}", kMade},
      // Nesting.
      {"{{ " + repeated("(", 10000) + "1" + repeated(")", 10000) + " }}", kNested + " 100"},
      {"{{ " + repeated("[", kMany) + repeated("]", kMany) + " }}", kNested + " 100"},
      {"{{ " + repeated("-", kMany) + "1 }}", kNested + " 100"},
      {"{{ " + repeated("not ", kMany) + "1 }}", kNested + " 100"},
      {"{{ " + repeated("{1:", kMany) + repeated("}", kMany) + " }}", kNested + " 100"},
      {"{{ a" + repeated(".b", kMany) + " }}", kNested + " 200"},
      {"{{ a" + repeated("|e", kMany) + " }}", kNested + " 200"},
      {"{{ a" + repeated("(1)", kMany) + " }}", kNested + " 200"},
      {"{{ a" + repeated("[0]", kMany) + " }}", kNested + " 200"},
      {"{{ 1" + repeated(" if 1 else 1", kMany / 4) + " }}", kNested + " 100"},
      {"{{ 1" + repeated(" if 1", kMany / 2) + " }}", kNested + " 200"},
      {repeated("{% if 1 %}", kMany / 4), kNested + " 100"},
      {repeated("{% for a in b %}", kMany / 4), kNested + " 100"},
      {"{% for " + repeated("(", kMany / 2) + "a" + repeated(")", kMany / 2) + " in b %}", kNested + " 100"},
      {repeated("{% macro m() %}", kMany / 4), kNested + " 100"},
      {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", kNested + " 400"},
      {"{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}", kNested + " 400"},
      {"{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", kNested + " 400"},
      {"{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}", kSteps},
      {"{% macro m() %}{{ caller() }}{% endmacro %}{% macro r() %}{% call m() %}{{ r() }}{% endcall %}{% endmacro %}{{ r() }}", kNested + " 400"},
      {"{% set x = namespace(a=[]) %}{% for i in range(100000) %}{% set x.a = [x.a] %}{% endfor %}", kNested + " 600"},
      {"{% set x = namespace(a={}) %}{% for i in range(100000) %}{% set x.a = {'a': x.a} %}{% endfor %}", kNested + " 600"},
      {"{% set x = namespace(a={}) %}{% for i in range(100000) %}{% set x.a = {'a': x.a}.get %}{% endfor %}", kNested + " 600"},
      {"{% set x = namespace(a=1) %}{% for i in range(100000) %}{% set x.a = joiner(x.a) %}{% endfor %}", kNested + " 600"},
      {"{% set x = namespace(a=1) %}{% for i in range(100000) %}{% for j in [x.a] %}{% set x.a = loop %}{% endfor %}{% endfor %}", kNested + " 600"},
      {"{% set x = namespace(a=1) %}{% for i in range(20000) %}{% set x.a = [x.a]|map('string') %}{% endfor %}{{ raise_exception('end') }}", "end"},
      {"{% set x = namespace(a=[1]) %}{% for i in range(60) %}{% set x.a = [x.a, x.a] %}{% endfor %}{{ x.a }}", "more than"},
      {"{% set x = namespace(a=[1]) %}{% for i in range(60) %}{% set x.a = [x.a, x.a] %}{% endfor %}{{ x.a|tojson }}", "more than"},
      {"{% set x = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set x.a = [x.a, x.a] %}{% set x.b = [x.b, x.b] %}{% endfor %}{{ x.a == x.b }}", kSteps},
      {"{% set x = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set x.a = [x.a, x.a] %}{% set x.b = [x.b, x.b] %}{% endfor %}{{ x.a < x.b }}", kSteps},
      {"{% set x = namespace() %}{% set x.x = x %}{{ x }}", kNested + " 600"},
      {"{{ 'a'|map(" + repeated("'map', ", 1000) + ")|list }}", kNested + " 400"},
      {"{{ {'a': 1}|tojson|map('from_json')|list }}", "from_json"},
      {"{{ ('[' * 100000)|from_json }}", "from_json"},
      // Circles and chains that are taken apart at the end.
      {"{% set x = namespace() %}{% set x.x = x %}{{ raise_exception('end') }}", "end"},
      {"{% set x = namespace(a=0) %}{% for i in range(30000) %}{% set y = namespace(a=x.a) %}{% set x.a = y %}{% endfor %}{{ raise_exception('end') }}", "end"},
      {"{% set x = namespace(a=0) %}{% for i in range(30000) %}{% macro m(q) %}{% endmacro %}{% set p = x.a %}{% set x.a = m %}{% endfor %}{{ raise_exception('end') }}", "end"},
      {"{% set x = namespace(a=0) %}{% for i in range(20000) %}{% set p = x.a %}{% for j in [1] recursive %}{% set x.a = loop %}{% endfor %}{% endfor %}{{ raise_exception('end') }}", "end"},
      {"{% for i in [1, 2] %}{% set y = loop.changed(loop) %}{% endfor %}{{ raise_exception('end') }}", "end"},
      {"{% macro m(f) %}{{ caller }}{% endmacro %}{% for i in range(2) %}{% call m(m) %}x{% endcall %}{% endfor %}{{ raise_exception('end') }}", "end"},
      // What is stored while it runs.
      {"{% set x = namespace(a=0) %}{% for i in range(100000) %}{% for j in range(100) %}{% set y = namespace(a=x.a) %}{% set x.a = y %}{% endfor %}{% endfor %}", "more than"},
      {"{% set x = namespace(a=0) %}{% for i in range(100000) %}{% for j in range(100) %}{% macro m() %}{% endmacro %}{% set p = x.a %}{% set x.a = m %}{% endfor %}{% endfor %}", "more than"},
      {"{% for i in range(100000) %}{% for j in range(100) %}{{ a" + std::string(90, 'b') + " }}{% endfor %}{% endfor %}", "more than"},
      {"{% for i in range(100000) %}{% for j in range(100) %}{{ [i.a, i.b, i.c, i.d, i.e, i.f, i.g] }}{% endfor %}{% endfor %}", "more than"},
      {"{% set d = namespace(d={}) %}{% for i in range(100000) %}{% set d.d = dict(d.d, **{'k' ~ i: i}) %}{% endfor %}", kMade},
      // Output and source.
      {"{% set x = 'x' * 1000000 %}{% for i in range(100) %}{{ x }}{% endfor %}", "than"},
      {"{% set y %}{% set x = 'x' * 1000000 %}{% for i in range(100) %}{{ x }}{% endfor %}{% endset %}", "than"},
      {"{{ raise_exception('x' * 10000000) }}", "xxx"},
      {repeated("{{1}}", 300000), "1500000 bytes, the limit is 1048576"},
      {"{{ " + repeated("a.", 10) + std::string(900000, 'b') + " }}", "undefined"},
      {"{{ " + std::string(900000, 'b') + "() }}", "undefined"},
      {"{% " + std::string(900000, 'b') + " %}", "not supported"},
      {"{{ 1|" + std::string(900000, 'b') + " }}", "No filter named"},
      // clang-format on
  };
}

TEST(JinjaLimits, HostileTemplatesEndSoonWithLittleMemory) {
  for (const Hostile& hostile : hostile_templates()) {
    SCOPED_TRACE(hostile.source.substr(0, 200));
    const size_t before = counted::live_bytes.load();
    counted::peak_bytes = before;
    const auto start = std::chrono::steady_clock::now();
    const std::string message = error_of(hostile.source, kOptions);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    const size_t left = counted::live_bytes.load() - before;
    EXPECT_THAT(message, HasSubstr(hostile.limit));
    // Vectors and strings that grow take up to twice what is in them; for a moment both old and new are there.
    EXPECT_LT(counted::peak_bytes.load() - before, size_t{400} << 20);
    EXPECT_EQ(left, message.capacity() > 15 ? message.capacity() + 1 : 0) << "memory is left behind";
    // In a release build each is below a second; sanitizers and a busy machine take several times that.
    EXPECT_LT(took.count(), 20);
  }
}

// What is long but flat is no problem.
TEST(JinjaLimits, LongTemplatesAreFine) {
  const auto render = [](const std::string& source) { return Template(source, "t").render(Value::dict({})); };
  EXPECT_EQ(render("{{ 1" + repeated(" + 1", kMany / 2) + " }}"), str(kMany / 2 + 1));
  EXPECT_EQ(render("{{ 'a'" + repeated(" ~ 'a'", 1000) + " }}").size(), 1001U);
  EXPECT_EQ(render("{{ 1" + repeated(" and 1", kMany / 2) + " }}"), "1");
  EXPECT_EQ(render("{{ 0" + repeated(" or 0", kMany / 2) + " }}"), "0");
  EXPECT_EQ(render("{{ 1" + repeated(" == 1", kMany / 2) + " }}"), "True");
  EXPECT_EQ(render("{% if 0 %}" + repeated("{% elif 0 %}a", kMany / 4) + "{% else %}b{% endif %}"), "b");
  EXPECT_EQ(render("{{ [" + repeated("1, ", kMany / 2) + "]|length }}"), str(kMany / 2));
  EXPECT_EQ(render(repeated("{# #}", kMany)), "");
  EXPECT_EQ(render(repeated("{ ", 2 * kMany)).size(), 4 * kMany);
  EXPECT_EQ(render(repeated("{% set a = 1 %}", kMany / 4) + "{{ a }}"), "1");
}

TEST(JinjaLimits, AreThoseOfTheOptions) {
  EXPECT_EQ(error_of("a\n{% for i in range(9) %}{{ i }}{% endfor %}", {.max_steps = 10}),
            "t: line 2: the template takes more than 10 steps");
  EXPECT_EQ(error_of("{{ 'ab' * 100 }}", {.max_made = 150}), "t: line 1: the template makes more than 150 bytes");
  EXPECT_EQ(error_of("abc{{ 'abc' }}", {.max_output = 5}), "t: line 1: the result is longer than 5 bytes");
  EXPECT_EQ(error_of("{{ [[[1]]] }}", {.max_depth = 3}), "t: line 1: the template is nested deeper than 3");
}

TEST(JinjaLimits, DeepContextsAreRefused) {
  Value deep = nullptr;
  for (int i = 0; i < 301; ++i) deep = Value::list({deep});
  Dict context;
  context.set("deep", deep);
  EXPECT_EQ(error_of("{{ deep|tojson|length }}", {}, context), "t: line 1: the context is nested deeper than 300");
}

// The deepest that is allowed needs little stack.
TEST(JinjaLimits, DeepestFitsASmallStack) {
  const size_t stack_bytes = KINGLET_SANITIZED ? size_t{8} << 20 : size_t{512} << 10;  // sanitizers make frames large
  const auto run = [](void* result) -> void* {
    auto& message = *static_cast<std::string*>(result);
    message += error_of(
        "{% macro m(x) %}{% if x %}{% for i in [1] %}{{ [m(x)|string|trim ~ 'a'] }}{% endfor %}{% endif %}{% endmacro "
        "%}{{ m(1) }}");
    message += error_of(
        "{% macro m() %}{% filter upper %}{% set a %}{% call m() %}{% endcall %}{% endset %}{% endfilter %}{% endmacro "
        "%}{{ m() }}");
    message += error_of("{{ 'a'|map(" + repeated("'map', ", 1000) + ")|list }}");
    message += error_of("{{ " + repeated("(", 99) + repeated("a.b|e is c and ", 50) + "1" + repeated(")", 99) + " }}");
    message += error_of(
        "{% set x = namespace(a=[]) %}{% for i in range(598) %}{% set x.a = [x.a] %}{% endfor %}{{ x.a|tojson ~ x.a "
        "}}{{ x.a == x.a|list }}");
    return nullptr;
  };
  std::string message;
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, stack_bytes), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &message), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  EXPECT_THAT(message, HasSubstr("nested deeper than 400"));
}

TEST(JinjaTemplate, RendersInSeveralThreadsAtOnce) {
  const Template shared(
      "{% for m in messages %}{{ m.role|upper }}:{{ m.content }}{% set x = namespace(a=m) %}{{ x.a.role }};{% endfor "
      "%}",
      "t");
  Dict message;
  message.set("role", "user");
  message.set("content", "hi");
  Dict context;
  context.set("messages", Value::list({Value::dict(message), Value::dict(message)}));
  const Value value = Value::dict(context);
  std::vector<std::string> results(4);
  std::vector<std::thread> threads;
  for (std::string& result : results) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) result = shared.render(value);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& result : results) EXPECT_EQ(result, "USER:hiuser;USER:hiuser;");
}

TEST(JinjaTemplate, ErrorsNameTheirLine) {
  EXPECT_EQ(error_of("a\nb\n{% if %}"), "t: line 3: an expression is missing");
  EXPECT_EQ(error_of("a\r\nb\r{{ 1 + }}"), "t: line 3: an expression is missing");
  EXPECT_EQ(error_of("{{\n\n'a'\n+ 1 }}"), "t: line 4: can only concatenate str (not \"int\") to str");
  EXPECT_EQ(error_of("\n{{ raise_exception('told you') }}"), "t: line 2: told you");
  EXPECT_EQ(error_of("{#\n\n#}{% for a in b %}\n"), "t: line 3: {% endfor %} is missing");
}

}  // namespace
}  // namespace kinglet::text::jinja
