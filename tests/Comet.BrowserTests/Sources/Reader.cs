using System.Text.Json;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Playwright;

namespace Comet.BrowserTests.Sources;

/// <summary>A page that reads a stream through CometSource, and notes all that it tells.</summary>
internal sealed class Reader
{
    private Reader(IPage page) => Page = page;

    internal IPage Page { get; }

    /// <summary>A function of a stream's address, which reads it by a CometSource.</summary>
    /// <param name="init">The options of the source: an object, or the expression of one.</param>
    internal static string ScriptOf(object? init) => $$"""
        stream => {
          const source = new CometSource(stream, {{init as string ?? JsonSerializer.Serialize(init ?? new { })}});
          window.reader = { source, values: [], ids: [], feeds: [], events: [], told: [] };
          source.onmessage = event => {
            reader.values.push(event.data);
            reader.ids.push(event.lastEventId);
            reader.feeds.push(event.feed ?? '');
            reader.told.push(`message ${source.readyState}`);
          };
          for (const type of ['open', 'gap', 'skipped', 'end', 'reconnecting', 'closed', 'error']) {
            source.addEventListener(type, ({ reason, status, delay, feed }) => {
              reader.events.push({ type, reason, status, delay, feed, readyState: source.readyState });
              reader.told.push(`${type} ${source.readyState}`);
            });
          }
        }
        """;

    /// <summary>Goes to a page of the site, which is an empty one, and reads the stream there.</summary>
    internal static async Task<Reader> OpenAsync(IPage page, string site, string stream, object? init = null, string at = "/test/empty")
    {
        await page.GotoAsync(site + at, new() { WaitUntil = WaitUntilState.DOMContentLoaded });
        await page.EvaluateAsync(ScriptOf(init), stream);
        return new Reader(page);
    }

    internal Task WaitForEventAsync(string type, int count = 1) =>
        Page.WaitForFunctionAsync(
            "([type, count]) => reader.events.filter(event => event.type === type).length >= count",
            new object[] { type, count });

    internal Task WaitForMessagesAsync(int count) => Page.WaitForFunctionAsync("count => reader.ids.length >= count", count);

    internal Task<string[]> IdsAsync() => Page.EvaluateAsync<string[]>("() => reader.ids");

    /// <summary>The texts of the messages of one of several feeds.</summary>
    internal async Task<string[]> TextsAsync(string feed)
    {
        var (feeds, values) = (await Page.EvaluateAsync<string[]>("() => reader.feeds"), await ValuesAsync<News>());
        return [.. feeds.Zip(values).Where(message => message.First == feed).Select(message => message.Second.Text)];
    }

    internal Task<T[]> ValuesAsync<T>() => Page.EvaluateJsonAsync<T[]>("() => reader.values");

    internal Task<ReaderEvent[]> EventsAsync() => Page.EvaluateJsonAsync<ReaderEvent[]>("() => reader.events");

    internal async Task<IEnumerable<string>> EventTypesAsync() => (await EventsAsync()).Select(happened => happened.Type);

    /// <summary>All events, the messages among them, each with the readyState then.</summary>
    internal Task<string[]> ToldAsync() => Page.EvaluateAsync<string[]>("() => reader.told");

    internal async Task<double[]> DelaysAsync() =>
        [.. (await EventsAsync()).Where(happened => happened.Type == "reconnecting").Select(happened => happened.Delay!.Value)];

    internal Task CloseSourceAsync() => Page.EvaluateAsync("() => reader.source.close()");
}

/// <summary>Something that CometSource told, and its readyState then.</summary>
internal sealed record ReaderEvent(string Type, string? Reason, int? Status, double? Delay, int ReadyState, string? Feed = null);
