using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Playwright;

namespace Comet.BrowserTests.Sources;

/// <summary>Sources that a page opens and closes leave nothing in it.</summary>
[Trait("Category", "Matrix")]
public class LeakTests(TestBrowsers browsers, ITestOutputHelper output)
{
    private const int Times = 200;

    // What a page may have more after that: far less than one of something for each source.
    private const int Few = 10;

    private static readonly string[] Counters =
        ["Documents", "Frames", "Nodes", "JSEventListeners", "ContextLifecycleStateObservers", "WorkerGlobalScopes"];

    // Intervals and timeouts that are neither cleared nor over.
    private const string CountedTimers = """
        window.timers = new Set();
        for (const [set, clear, isOnce] of [['setTimeout', 'clearTimeout', true], ['setInterval', 'clearInterval', false]]) {
          const [begin, end] = [window[set].bind(window), window[clear].bind(window)];
          window[set] = (action, delay) => {
            const id = begin(() => {
              if (isOnce) timers.delete(id);
              action();
            }, delay);
            timers.add(id);
            return id;
          };
          window[clear] = id => {
            timers.delete(id);
            end(id);
          };
        }
        """;

    [Theory]
    [InlineData("{ transport: 'fetch' }")]
    [InlineData("{ transport: 'frame' }")]
    [InlineData("{ transport: 'poll' }")]
    [InlineData("{ shared: true }")]
    public async Task After_two_hundred_the_counts_are_as_before(string init)
    {
        await using var site = new Site();
        var page = await browsers.OpenTabAsync();
        await page.AddInitScriptAsync(CountedTimers);
        await page.GotoAsync(site.Url + "/test/empty");
        await OpenAndCloseAsync(10); // what is made once
        var before = await CountAsync();

        await OpenAndCloseAsync(Times);
        await Eventually.HoldsAsync(() => site.OpenStreams() == 0, "no open stream");

        var after = await CountAsync();
        for (var again = 0; again < 10 && after.Any(IsMore); again++) // what was closed last is not collected at once
        {
            await Task.Delay(300);
            after = await CountAsync();
        }
        output.WriteLine($"{init}: before {Told(before)}; after {Told(after)}");
        Assert.DoesNotContain(after, IsMore);
        await page.CloseAsync();

        bool IsMore(KeyValuePair<string, int> counter) => counter.Value > before[counter.Key] + Few;

        Task OpenAndCloseAsync(int times) => page.EvaluateAsync($$"""
            async ([stream, times]) => {
              for (let i = 0; i < times; i++) {
                const source = new CometSource(stream, {{init}});
                await new Promise(resolve => { source.onopen = resolve; });
                source.close();
              }
            }
            """, new object[] { News.Stream, times });

        async Task<Dictionary<string, int>> CountAsync()
        {
            var developerTools = await page.Context.NewCDPSessionAsync(page);
            await developerTools.SendAsync("Performance.enable");
            await developerTools.SendAsync("HeapProfiler.collectGarbage");
            var metrics = (await developerTools.SendAsync("Performance.getMetrics"))!.Value.GetProperty("metrics").EnumerateArray()
                .ToDictionary(metric => metric.GetProperty("name").GetString()!, metric => (int)metric.GetProperty("value").GetDouble());
            await developerTools.DetachAsync();
            var counts = Counters.ToDictionary(counter => counter, counter => metrics[counter]);
            counts["timers"] = await page.EvaluateAsync<int>("() => timers.size");
            return counts;
        }
    }

    private static string Told(Dictionary<string, int> counts) => string.Join(", ", counts.Select(count => $"{count.Key} {count.Value}"));
}
