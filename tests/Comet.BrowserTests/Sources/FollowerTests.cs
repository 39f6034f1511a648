using Comet.AspNetCore;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.BrowserTests.Sources;

/// <summary>Tabs that read what the tab with the connection tells them, and lack something.</summary>
public class FollowerTests(TestBrowsers browsers)
{
    private const string ComeBack = "() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))";

    [Fact]
    public async Task After_a_restart_they_have_all_that_the_leader_has_without_asking_for_it()
    {
        var first = new Site(services => services.AddComet(comet => comet.ReconnectSpread = TimeSpan.FromMilliseconds(500)));
        await using var network = new TcpProxy(first.Url);
        await using var profile = await browsers.OpenProfileAsync();
        var readers = await profile.OpenTabsAsync(network.Url, 3, PageFault.CountedFetches);
        await first.PublishAsync("before");
        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(1)));
        // They would be answered when the leader is already past what they lack.
        await Task.WhenAll(readers[1..].Select(reader => reader.Page.RouteAsync("**" + News.Stream + "*", async route =>
        {
            await readers[0].WaitForMessagesAsync(3);
            await route.ContinueAsync();
        })));

        await using var second = new Site();
        network.LeadTo(second.Url);
        await first.DisposeAsync();
        await readers[0].WaitForEventAsync("gap");
        await second.PublishAsync("1");
        await second.PublishAsync("2");
        await readers[0].WaitForMessagesAsync(3);
        await Task.WhenAll(readers.Select(reader => reader.WaitForEventAsync("gap")));
        await second.PublishAsync("3");
        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(4)));

        foreach (var reader in readers)
        {
            Assert.Equal(["before", "1", "2", "3"], (await reader.ValuesAsync<News>()).Select(news => news.Text));
            Assert.Equal(["open", "reconnecting", "error", "open", "gap"], await reader.EventTypesAsync());
        }
        foreach (var follower in readers[1..])
        {
            Assert.Equal(0, await follower.Page.EvaluateAsync<int>("() => fetches"));
        }
    }

    [Theory]
    [InlineData(500, null)] // with the next heartbeat
    [InlineData(60_000, ComeBack)] // when the page comes back from the cache
    public async Task What_they_missed_comes_before_the_next_message(int heartbeat, string? then)
    {
        await using var site = new Site(services => services.AddComet(comet => comet.Heartbeat = TimeSpan.FromMilliseconds(heartbeat)));
        await using var profile = await browsers.OpenProfileAsync();
        var readers = await profile.OpenTabsAsync(site.Url, 2, PageFault.Deafness);

        await readers[1].Page.EvaluateAsync("() => { window.isDeaf = true; }");
        var id = await site.PublishAsync("1");
        await readers[1].Page.WaitForFunctionAsync("id => unheard.some(told => told.includes(id))", id);
        await readers[0].WaitForMessagesAsync(1);
        Assert.Empty(await readers[1].IdsAsync());
        await readers[1].Page.EvaluateAsync("() => { window.isDeaf = false; }");
        if (then is not null)
        {
            await readers[1].Page.EvaluateAsync(then);
        }

        await readers[1].WaitForMessagesAsync(1);
        Assert.Equal(await readers[0].IdsAsync(), await readers[1].IdsAsync());
        Assert.Equal(["open 1", "message 1"], await readers[1].ToldAsync());
    }

    [Fact]
    public async Task A_message_proves_that_the_stream_is_open()
    {
        await using var site = new Site(services => services.AddComet(comet => comet.Heartbeat = TimeSpan.FromMilliseconds(500)));
        await using var network = new TcpProxy(site.Url);
        await using var profile = await browsers.OpenProfileAsync();
        var readers = await profile.OpenTabsAsync(network.Url, 2, PageFault.Deafness);

        network.Cut();
        await readers[1].WaitForEventAsync("error");
        await readers[1].Page.EvaluateAsync("() => { window.isDeaf = true; }");
        await readers[0].WaitForEventAsync("open", 2);
        await readers[1].Page.EvaluateAsync("() => new Promise(done => setTimeout(done, 300))");
        await readers[1].Page.EvaluateAsync("() => { window.isDeaf = false; }");
        await site.PublishAsync("1");
        await readers[1].WaitForMessagesAsync(1);

        Assert.Equal(["open 1", "reconnecting 0", "error 0", "open 1", "message 1"], await readers[1].ToldAsync());
    }

    [Fact]
    public async Task A_fetch_that_stalls_is_tried_again()
    {
        await using var site = new Site(services => services.AddComet(comet => comet.Heartbeat = TimeSpan.FromMilliseconds(500)));
        await using var profile = await browsers.OpenProfileAsync();
        await profile.OpenTabsAsync(site.Url, 1);
        await site.PublishAsync("1");

        var reader = await profile.OpenTabAsync(site.Url, "earliest", PageFault.StalledFetch);
        await reader.WaitForMessagesAsync(1);

        Assert.Equal(["open 1", "message 1"], await reader.ToldAsync());
        Assert.Equal(2, await reader.Page.EvaluateAsync<int>("() => fetches"));
    }

    [Fact]
    public async Task A_fetch_that_is_sent_to_another_page_is_a_refusal()
    {
        await using var site = new Site();
        await using var profile = await browsers.OpenProfileAsync();
        var stream = ToldStream.Redirected(new { type = "open", id = "e-5", heartbeat = 60_000 });
        var leader = await profile.OpenTabAsync(site.Url, stream: stream);
        await leader.WaitForEventAsync("open");

        var reader = await profile.OpenTabAsync(site.Url, "earliest", stream: stream);
        await reader.WaitForEventAsync("closed");

        Assert.Equal(new("closed", "refused", 401, null, 2), (await reader.EventsAsync()).Single(happened => happened.Type == "closed"));
        Assert.Equal(["open 1"], await leader.ToldAsync());
    }

    [Fact]
    public async Task One_that_asks_for_no_history_gets_none_while_the_leader_replays_it()
    {
        await using var site = new Site();
        await using var network = new TcpProxy(site.Url);
        await using var profile = await browsers.OpenProfileAsync();
        for (var i = 1; i <= 3; i++)
        {
            await site.PublishAsync($"{i}");
        }
        // The first tab waits for its stream until the second is there.
        var asked = new TaskCompletionSource();
        var isThere = new TaskCompletionSource();
        await profile.RouteAsync("**" + News.Stream + "*callback*", async route =>
        {
            asked.TrySetResult();
            await isThere.Task;
            await route.ContinueAsync();
        });
        var leader = await profile.OpenTabAsync(network.Url, "earliest");
        await asked.Task.WaitAsync(Eventually.Patience);
        var follower = await profile.OpenTabAsync(network.Url);
        isThere.SetResult();

        await leader.WaitForMessagesAsync(3);
        await follower.WaitForEventAsync("open");
        await site.PublishAsync("4");
        await Task.WhenAll(leader.WaitForMessagesAsync(4), follower.WaitForMessagesAsync(1));

        Assert.Equal(["1", "2", "3", "4"], (await leader.ValuesAsync<News>()).Select(news => news.Text));
        Assert.Equal(["4"], (await follower.ValuesAsync<News>()).Select(news => news.Text));
    }
}
