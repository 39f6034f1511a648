using System.Collections.Concurrent;
using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;

namespace Comet.BrowserTests.Sources;

/// <summary>A set of feeds that no URL holds.</summary>
[Trait("Category", "Matrix")]
public class LongSetTests(TestBrowsers browsers)
{
    private const int Count = 120;

    internal static string[] Names => [.. Enumerable.Range(0, Count).Select(i => "rooms/" + KeyOf(i))];

    internal static string KeyOf(int i) => $"{i:000}-{new string('k', 60)}";

    [Theory]
    [InlineData("fetch", false)]
    [InlineData("fetch", true)]
    [InlineData("poll", false)]
    public async Task It_is_posted_again_with_the_place_in_each_after_a_break(string transport, bool shared)
    {
        await using var site = new Site();
        await using var network = new TcpProxy(site.Url);
        var page = await browsers.OpenTabAsync();
        var methods = new ConcurrentBag<string>();
        page.Context.Request += (_, request) =>
        {
            if (request.Url.Contains(Desk.Stream, StringComparison.Ordinal))
            {
                methods.Add(request.Method);
            }
        };
        var (first, last) = (site.Desk.Room(KeyOf(0)), site.Desk.Room(KeyOf(Count - 1)));
        var reader = await Reader.OpenAsync(page, network.Url, Desk.Stream, new { feeds = Names, transport, shared, from = "earliest" });
        await reader.WaitForEventAsync("open");
        await first.PublishAsync(new("1"));
        await last.PublishAsync(new("a"));
        await reader.WaitForMessagesAsync(2);

        await Eventually.HoldsAsync(
            async () =>
            {
                network.Cut(); // again, if it was between two polls
                return (await reader.EventTypesAsync()).Contains("reconnecting");
            },
            "a break that is told");
        await first.PublishAsync(new("2"));
        await last.PublishAsync(new("b"));
        await reader.WaitForMessagesAsync(4);

        Assert.Equal(["1", "2"], await reader.TextsAsync("rooms/" + KeyOf(0)));
        Assert.Equal(["a", "b"], await reader.TextsAsync("rooms/" + KeyOf(Count - 1)));
        Assert.DoesNotContain("gap", await reader.EventTypesAsync());
        Assert.True(shared || !methods.IsEmpty, "The page's requests were not seen."); // those of its worker may not be
        Assert.True(methods.All(method => method == "POST"), string.Join(' ', methods));
        await page.CloseAsync();
    }
}
