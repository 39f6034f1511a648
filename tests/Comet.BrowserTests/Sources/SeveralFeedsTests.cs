using Comet.AspNetCore;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace Comet.BrowserTests.Sources;

/// <summary>One stream that carries several feeds.</summary>
[Trait("Category", "Matrix")]
public class SeveralFeedsTests(TestBrowsers browsers)
{
    private static readonly IEnumerable<string> OneTo200 = Enumerable.Range(1, 200).Select(number => $"{number}");

    [Fact]
    public async Task A_message_is_told_to_onmessage_and_by_the_name_of_its_feed()
    {
        await using var site = new Site();
        var reader = await OpenAsync(site.Url);
        await reader.Page.EvaluateAsync("""
            () => {
              window.named = [];
              for (const feed of ['news', 'scores', 'rooms/a b']) {
                reader.source.addEventListener(feed, ({ type, feed, data, lastEventId, origin }) => {
                  named.push([type, feed, data.text, reader.source.positions[feed] === lastEventId, origin === location.origin].join());
                });
              }
            }
            """);

        await site.PublishAsync("n");
        await site.Desk.Scores.PublishAsync(new("s"));
        await reader.WaitForMessagesAsync(2);

        Assert.Equal(["news,news,n,true,true", "scores,scores,s,true,true"], await NamedAsync());
        Assert.Equal(["n"], await reader.TextsAsync("news"));
        Assert.Equal(["s"], await reader.TextsAsync("scores"));
        Assert.Equal("", await reader.Page.EvaluateAsync<string>("() => reader.source.lastEventId"));
        await reader.Page.CloseAsync();

        async Task<string[]> NamedAsync() => [.. (await reader.Page.EvaluateAsync<string[]>("() => named")).Order()];
    }

    [Fact]
    public async Task A_page_that_closes_it_upon_a_message_is_told_nothing_more()
    {
        await using var site = new Site();
        var reader = await OpenAsync(site.Url);
        await reader.Page.EvaluateAsync("""
            () => {
              window.named = 0;
              reader.source.addEventListener('message', () => reader.source.close());
              reader.source.addEventListener('news', () => named++);
            }
            """);

        await site.PublishAsync("1");
        await reader.WaitForMessagesAsync(1);

        Assert.Equal(0, await reader.Page.EvaluateAsync<int>("() => named"));
        await reader.Page.CloseAsync();
    }

    [Theory]
    [InlineData(BrowserKind.Chromium)]
    [InlineData(BrowserKind.Firefox)]
    public async Task After_cuts_each_feed_resumes_where_it_was(BrowserKind kind)
    {
        await using var site = new Site(services => services.AddComet(comet => comet.Heartbeat = TimeSpan.FromMilliseconds(500)));
        await using var network = new TcpProxy(site.Url);
        var reader = await OpenAsync(network.Url, kind: kind);
        var publishing = site.Desk.PublishAsync(Enumerable.Range(1, 200));

        for (var cut = 1; cut <= 2; cut++)
        {
            await reader.WaitForMessagesAsync(100 * cut);
            network.Cut();
            await reader.WaitForEventAsync("open", 1 + cut);
        }
        await publishing;
        await reader.WaitForMessagesAsync(400);

        Assert.Equal(OneTo200, await reader.TextsAsync("news"));
        Assert.Equal(OneTo200, await reader.TextsAsync("scores"));
        Assert.DoesNotContain("gap", await reader.EventTypesAsync());
        await reader.Page.CloseAsync();
    }

    [Fact]
    public async Task A_page_chooses_its_feeds_and_another_set_goes_on_where_the_first_was()
    {
        await using var site = new Site();
        var reader = await OpenAsync(site.Url, new { feeds = new[] { "news", "rooms/a b" } });
        await site.Desk.Scores.PublishAsync(new("nobody reads it"));
        await site.PublishAsync("1");
        await site.Desk.Room("a b").PublishAsync(new("in the room"));
        await reader.WaitForMessagesAsync(2);

        await reader.Page.EvaluateAsync("() => { window.seen = reader.source.positions; reader.source.close(); }");
        Assert.Equal(["1"], await reader.TextsAsync("news"));
        Assert.Equal(["in the room"], await reader.TextsAsync("rooms/a b"));
        await site.PublishAsync("2");
        await site.Desk.Room("a b").PublishAsync(new("nobody is in it"));
        await reader.Page.EvaluateAsync("""
            stream => {
              const source = new CometSource(stream, { feeds: ['scores', 'news'], from: { ...seen, scores: 'earliest' } });
              source.onmessage = ({ data, lastEventId, feed }) => {
                reader.values.push(data);
                reader.ids.push(lastEventId);
                reader.feeds.push(feed);
              };
            }
            """, Desk.Stream);
        await reader.WaitForMessagesAsync(4);
        await site.PublishAsync("3");
        await reader.WaitForMessagesAsync(5);

        Assert.Equal(["1", "2", "3"], await reader.TextsAsync("news"));
        Assert.Equal(["nobody reads it"], await reader.TextsAsync("scores"));
        Assert.Equal(["in the room"], await reader.TextsAsync("rooms/a b"));
        await reader.Page.CloseAsync();
    }

    [Fact]
    public async Task The_end_of_a_feed_is_told_once_and_the_others_go_on()
    {
        await using var site = new Site();
        await using var network = new TcpProxy(site.Url);
        var reader = await OpenAsync(network.Url, new { feeds = new[] { "news", "scores", "secret" } });
        await site.Desk.Scores.PublishAsync(new("the last"));
        await site.Desk.Scores.CompleteAsync(TestContext.Current.CancellationToken);
        await reader.WaitForEventAsync("end", 2);

        network.Cut();
        await reader.WaitForEventAsync("open", 2);
        await site.PublishAsync("1");
        await reader.WaitForMessagesAsync(2);

        var ends = (await reader.EventsAsync()).Where(happened => happened.Type == "end");
        Assert.Equal([("secret", "not-allowed"), ("scores", "completed")], ends.Select(end => (end.Feed!, end.Reason!)));
        Assert.Equal(["the last"], await reader.TextsAsync("scores"));
        Assert.Equal(["1"], await reader.TextsAsync("news"));
        Assert.Equal(1, await reader.Page.EvaluateAsync<int>("() => reader.source.readyState"));
        await reader.Page.CloseAsync();
    }

    [Theory]
    [InlineData(null, "feed=e-1%40a&feed=b")]
    [InlineData("earliest", "feed=e-1%40a&feed=earliest%40b")]
    public async Task A_feed_whose_store_is_away_is_asked_for_when_the_stream_comes_again(string? from, string expected)
    {
        await using var site = new Site();
        var stream = ToldStream.Of(
            new { type = "open", feed = "a", id = "e-1", heartbeat = 60_000 },
            new { type = "end", feed = "b", reason = "unavailable", retry = 1 },
            new { type = "end", reason = "unavailable", retry = 1 });
        var reader = await OpenAsync(site.Url, new { from }, stream);

        await reader.Page.WaitForFunctionAsync(
            "expected => performance.getEntriesByType('resource').some(({ name }) => name.endsWith(expected))",
            expected);

        Assert.DoesNotContain("end", await reader.EventTypesAsync());
        await reader.Page.CloseAsync();
    }

    [Fact]
    public async Task With_the_end_of_its_last_feed_it_is_closed()
    {
        await using var site = new Site();
        var reader = await OpenAsync(site.Url, new { feeds = new[] { "scores" } });

        await site.Desk.Scores.CompleteAsync(TestContext.Current.CancellationToken);
        await reader.WaitForEventAsync("closed");

        Assert.Equal(["open", "end", "closed", "error"], await reader.EventTypesAsync());
        Assert.Equal("completed", (await reader.EventsAsync()).Single(happened => happened.Type == "closed").Reason);
        await reader.Page.CloseAsync();
    }

    [Fact]
    public async Task A_gap_and_skipped_messages_name_their_feed()
    {
        await using var site = new Site();
        await site.PublishAsync("1");
        var lost = await OpenAsync(site.Url, new { from = new { scores = "gone-7", news = "earliest" } });
        await lost.WaitForEventAsync("gap");
        await lost.WaitForMessagesAsync(1);
        var skipped = await OpenAsync(site.Url, stream: ToldStream.Of(
            new { type = "open", feed = "a", id = "e-1", heartbeat = 60_000 },
            new { type = "open", feed = "b", id = "f-1" },
            new { type = "skipped", feed = "b", count = 3 }));
        await skipped.WaitForEventAsync("skipped");

        Assert.Equal("scores", Assert.Single(await lost.EventsAsync(), happened => happened.Type == "gap").Feed);
        Assert.Equal("b", (await skipped.EventsAsync()).Single(happened => happened.Type == "skipped").Feed);
        Assert.Equal(["open", "skipped"], await skipped.EventTypesAsync());
        await lost.Page.CloseAsync();
        await skipped.Page.CloseAsync();
    }

    [Fact]
    public async Task A_heartbeat_moves_all_feeds_whose_log_it_names_and_never_back()
    {
        await using var site = new Site();
        var reader = await OpenAsync(site.Url, stream: ToldStream.Of(
            new { type = "open", feed = "a", id = "e-1", heartbeat = 60_000 },
            new { type = "open", feed = "b/1", id = "f-1" },
            new { type = "open", feed = "b/2", id = "f-8" },
            new { type = "open", feed = "c", id = "g-4" },
            new { type = "heartbeat", id = "f-5.e-20" }));

        await reader.Page.WaitForFunctionAsync("() => reader.source.positions.a === 'e-20'");

        Assert.Equal(
            "a=e-20 b/1=f-5 b/2=f-8 c=g-4",
            await reader.Page.EvaluateAsync<string>("() => Object.entries(reader.source.positions).map(pair => pair.join('=')).join(' ')"));
        await reader.Page.CloseAsync();
    }

    [Fact]
    public async Task Tabs_share_one_connection_and_another_takes_over_without_a_gap()
    {
        await using var site = new Site();
        await using var profile = await browsers.OpenProfileAsync();
        var readers = await profile.OpenTabsAsync(site.Url, 3, stream: Desk.Stream);
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "one open stream");
        var publishing = site.Desk.PublishAsync(Enumerable.Range(1, 200));

        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(100)));
        await readers[0].Page.CloseAsync(); // the first leads
        readers.RemoveAt(0);
        await publishing;
        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(400)));

        foreach (var reader in readers)
        {
            Assert.Equal(OneTo200, await reader.TextsAsync("news"));
            Assert.Equal(OneTo200, await reader.TextsAsync("scores"));
            Assert.Equal(["open", "end"], await reader.EventTypesAsync()); // of the feed that nobody may read
        }
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "one open stream");
    }

    [Theory]
    [InlineData("earliest", "", "1 2", "1 2")]
    [InlineData(null, "?last=1", "2", "2")]
    [InlineData(null, "", "", "")]
    public async Task A_tab_that_comes_later_has_what_it_asks_for_of_each_feed(string? from, string query, string news, string scores)
    {
        await using var site = new Site();
        await using var profile = await browsers.OpenProfileAsync();
        await site.Desk.PublishAsync([1, 2]);
        var leader = await profile.OpenTabAsync(site.Url, stream: Desk.Stream + query);
        await leader.WaitForEventAsync("open");

        var later = await profile.OpenTabAsync(site.Url, from, stream: Desk.Stream + query);
        await later.WaitForEventAsync("open");
        await later.Page.WaitForFunctionAsync("() => ['news', 'scores'].every(feed => feed in reader.source.positions)");
        await site.Desk.PublishAsync([3]);
        await later.Page.WaitForFunctionAsync("() => reader.values.filter(({ text }) => text === '3').length === 2");

        Assert.Equal($"{news} 3".Trim(), string.Join(' ', await later.TextsAsync("news")));
        Assert.Equal($"{scores} 3".Trim(), string.Join(' ', await later.TextsAsync("scores")));
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "one open stream");
    }

    [Theory]
    [InlineData("{ feeds: [] }", "'feeds' names one at least.")]
    [InlineData("{ from: { news: 'x' } }", "'from' is 'earliest'")]
    public async Task What_is_no_set_of_feeds_is_refused(string init, string reason)
    {
        await using var site = new Site();
        var page = await browsers.OpenTabAsync();
        await page.GotoAsync(site.Url + "/test/empty");

        var thrown = await Assert.ThrowsAsync<PlaywrightException>(
            () => page.EvaluateAsync($"stream => {{ new CometSource(stream, {init}); }}", Desk.Stream));

        Assert.Contains(reason, thrown.Message, StringComparison.Ordinal);
        await page.CloseAsync();
    }

    private async Task<Reader> OpenAsync(
        string site, object? init = null, string stream = Desk.Stream, BrowserKind kind = BrowserKind.Chromium)
    {
        var reader = await Reader.OpenAsync(await browsers.OpenTabAsync(kind), site, stream, init);
        await reader.WaitForEventAsync("open");
        return reader;
    }
}
