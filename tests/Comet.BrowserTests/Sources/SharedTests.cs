using Comet.AspNetCore;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace Comet.BrowserTests.Sources;

/// <summary>More tabs than HTTP/1.1 has connections to a host, on one connection.</summary>
public class SharedTests(TestBrowsers browsers)
{
    private const int Count = 8;

    [Fact]
    [Trait("Category", "Matrix")]
    public async Task All_tabs_live_on_one_connection_and_nothing_is_lost_when_some_close()
    {
        await using var site = new Site();
        await using var profile = await browsers.OpenProfileAsync();
        var readers = await profile.OpenTabsAsync(site.Url, Count);
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "one open stream");
        var publishing = site.PublishAsync(Enumerable.Range(1, 500));

        for (var closed = 1; closed <= 2; closed++)
        {
            await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(100 * closed)));
            await readers[0].Page.CloseAsync();
            readers.RemoveAt(0);
        }
        await publishing;
        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(500)));

        foreach (var reader in readers)
        {
            Assert.Equal(
                Enumerable.Range(1, 500).Select(number => $"{number}"),
                (await reader.ValuesAsync<News>()).Select(news => news.Text));
            Assert.Equal(["open"], await reader.EventTypesAsync());
        }
        Assert.Equal(Count - 2, readers.Count);
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "one open stream");
    }

    [Fact]
    public async Task An_end_that_comes_by_itself_is_no_error_of_the_page()
    {
        await using var site = new Site();
        await using var profile = await browsers.OpenProfileAsync();
        var stream = ToldStream.Of(
            new { type = "open", id = "e-1", heartbeat = 60_000 },
            new { type = "end", reason = "recycled", retry = 1 });
        var reader = await profile.OpenTabAsync(site.Url, stream: stream);
        var errors = new List<string>();
        reader.Page.PageError += (_, error) => errors.Add(error);

        await reader.WaitForEventAsync("reconnecting", 3);

        Assert.Empty(errors);
    }

    [Fact]
    [Trait("Category", "Matrix")]
    public async Task After_a_cut_all_tabs_have_everything_once()
    {
        await using var site = new Site(services => services.AddComet(comet => comet.Heartbeat = TimeSpan.FromMilliseconds(500)));
        await using var network = new TcpProxy(site.Url);
        await using var profile = await browsers.OpenProfileAsync();
        var readers = await profile.OpenTabsAsync(network.Url, 3);
        var publishing = site.PublishAsync(Enumerable.Range(1, 200));
        await readers[0].WaitForMessagesAsync(50);

        network.Cut();
        await publishing;
        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(200)));
        await Task.WhenAll(readers.Select(reader => reader.WaitForEventAsync("open", 2))); // the cut may come behind all messages

        foreach (var reader in readers)
        {
            Assert.Equal(
                Enumerable.Range(1, 200).Select(number => $"{number}"),
                (await reader.ValuesAsync<News>()).Select(news => news.Text));
            Assert.Equal(["open", "reconnecting", "error", "open"], await reader.EventTypesAsync());
        }
    }

    [Fact]
    [Trait("Category", "Matrix")]
    public async Task A_tab_that_comes_later_gets_the_history_it_asks_for()
    {
        await using var site = new Site();
        await using var profile = await browsers.OpenProfileAsync();
        for (var i = 1; i <= 3; i++)
        {
            await site.PublishAsync($"{i}");
        }
        var readers = await profile.OpenTabsAsync(site.Url, 1);

        var later = await profile.OpenTabAsync(site.Url, "earliest");
        await later.WaitForMessagesAsync(3);
        await site.PublishAsync("4");
        await later.WaitForMessagesAsync(4);
        await readers[0].WaitForMessagesAsync(1);

        Assert.Equal(["1", "2", "3", "4"], (await later.ValuesAsync<News>()).Select(news => news.Text));
        Assert.Equal(["4"], (await readers[0].ValuesAsync<News>()).Select(news => news.Text));
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "one open stream");
    }

    [Fact]
    public async Task A_restart_is_told_to_every_tab_once()
    {
        var first = new Site(services => services.AddComet(comet => comet.ReconnectSpread = TimeSpan.FromMilliseconds(500)));
        await using var network = new TcpProxy(first.Url);
        await using var profile = await browsers.OpenProfileAsync();
        var readers = await profile.OpenTabsAsync(network.Url, 3);

        await first.DisposeAsync();
        await using var second = new Site();
        network.LeadTo(second.Url);
        await Task.WhenAll(readers.Select(reader => reader.WaitForEventAsync("gap")));
        await second.PublishAsync("after");
        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(1)));

        foreach (var reader in readers)
        {
            Assert.Equal("after", Assert.Single(await reader.ValuesAsync<News>()).Text);
            Assert.Single(await reader.EventTypesAsync(), type => type == "gap");
        }
    }

    [Fact]
    [Trait("Category", "Matrix")]
    public async Task A_tab_that_hangs_holds_up_no_other_and_has_everything_when_it_recovers()
    {
        await using var site = new Site();
        await using var profile = await browsers.OpenProfileAsync();
        var readers = await profile.OpenTabsAsync(site.Url, 3);
        var hanging = readers[0];
        var recovered = new TaskCompletionSource();
        await hanging.Page.RouteAsync("**/hangs", async route =>
        {
            await recovered.Task;
            await route.FulfillAsync(new() { Status = 204 });
        });

        var hung = hanging.Page.EvaluateAsync("""
            () => {
              const request = new XMLHttpRequest();
              request.open('GET', '/hangs', false); // the page does nothing else until it is answered
              request.send();
            }
            """);
        await site.PublishAsync(Enumerable.Range(1, 200)); // more batches than are kept for it
        await Task.WhenAll(readers[1..].Select(reader => reader.WaitForMessagesAsync(200)));
        Assert.False(hung.IsCompleted);
        recovered.SetResult();
        await hung;
        await hanging.WaitForMessagesAsync(200);
        await site.PublishAsync("201");
        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(201)));

        foreach (var reader in readers)
        {
            Assert.Equal(
                Enumerable.Range(1, 201).Select(number => $"{number}"),
                (await reader.ValuesAsync<News>()).Select(news => news.Text));
            Assert.Equal(["open"], await reader.EventTypesAsync());
        }
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "one open stream");
    }

    [Fact]
    [Trait("Category", "Matrix")]
    public async Task A_tab_that_asks_for_no_history_gets_none_from_one_that_does()
    {
        await using var site = new Site();
        await using var profile = await browsers.OpenProfileAsync();
        for (var i = 1; i <= 3; i++)
        {
            await site.PublishAsync($"{i}");
        }

        var readers = await Task.WhenAll(profile.OpenTabAsync(site.Url, "earliest"), profile.OpenTabAsync(site.Url));
        await readers[0].WaitForMessagesAsync(3);
        await readers[1].WaitForEventAsync("open");
        await site.PublishAsync("4");
        await Task.WhenAll(readers[0].WaitForMessagesAsync(4), readers[1].WaitForMessagesAsync(1));

        Assert.Equal(["1", "2", "3", "4"], (await readers[0].ValuesAsync<News>()).Select(news => news.Text));
        Assert.Equal(["4"], (await readers[1].ValuesAsync<News>()).Select(news => news.Text));
        await Eventually.HoldsAsync(() => site.OpenStreams() == 1, "one open stream");
    }

    [Theory]
    [InlineData(nameof(PageFault.DeniedWorkers))]
    [InlineData(nameof(PageFault.MuteWorkers))]
    [Trait("Category", "Matrix")]
    public async Task Where_no_worker_serves_each_tab_has_its_own_connection(string fault)
    {
        await using var site = new Site();
        await using var profile = await browsers.OpenProfileAsync();

        var readers = await profile.OpenTabsAsync(
            site.Url, 2, fault == nameof(PageFault.MuteWorkers) ? PageFault.MuteWorkers : PageFault.DeniedWorkers);
        await site.PublishAsync("1");
        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(1)));

        Assert.Equal(2, site.OpenStreams());
        foreach (var reader in readers)
        {
            Assert.Equal(["open 1", "message 1"], await reader.ToldAsync());
            await reader.CloseSourceAsync();
        }
        await Eventually.HoldsAsync(() => site.OpenStreams() == 0, "no open stream");
    }
}
