using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;

namespace Comet.BrowserTests.Sources;

/// <summary>The stream of somebody whose sign-in expires soon, and is renewed by each request until it is revoked.</summary>
[Trait("Category", "Matrix")]
public sealed class ExpiryTests : IAsyncDisposable
{
    private const string Stream = "/test/streams/members";

    private readonly TestBrowsers _browsers;
    private readonly Site _site;
    private volatile bool _isRevoked;

    public ExpiryTests(TestBrowsers browsers)
    {
        _browsers = browsers;
        _site = new Site(services =>
            SignIn.Add(services, _ => _isRevoked ? null : "somebody", lifetime: TimeSpan.FromSeconds(2)));
    }

    public ValueTask DisposeAsync() => _site.DisposeAsync();

    [Fact]
    public async Task It_comes_back_while_the_sign_in_is_renewed_and_ends_when_it_is_not()
    {
        var reader = await Reader.OpenAsync(await _browsers.OpenTabAsync(), _site.Url, Stream);
        await reader.WaitForEventAsync("open", 2);

        _isRevoked = true;
        await reader.WaitForEventAsync("closed");

        Assert.Equal(["open", "reconnecting", "error", "open"], (await reader.EventTypesAsync()).Take(4));
        await AssertExpiredAsync(reader);
        await reader.Page.CloseAsync();
    }

    [Fact]
    public async Task All_tabs_that_share_it_are_told_why()
    {
        await using var profile = await _browsers.OpenProfileAsync();
        var readers = new List<Reader>();
        for (var i = 0; i < 3; i++)
        {
            readers.Add(await profile.OpenTabAsync(_site.Url, stream: Stream));
        }
        await Task.WhenAll(readers.Select(reader => reader.WaitForEventAsync("open")));

        _isRevoked = true;
        await Task.WhenAll(readers.Select(reader => reader.WaitForEventAsync("closed")));

        foreach (var reader in readers)
        {
            await AssertExpiredAsync(reader);
        }
    }

    private static async Task AssertExpiredAsync(Reader reader)
    {
        var events = await reader.EventsAsync();
        var told = (await reader.ToldAsync()).Where(told => !told.StartsWith("message", StringComparison.Ordinal));
        Assert.Equal(["open 1", "reconnecting 0", "error 0", "closed 2", "error 2"], told.TakeLast(5));
        Assert.All(
            events.Where(happened => happened.Type == "reconnecting"),
            happened => Assert.Equal("authentication-expired", happened.Reason));
        Assert.Equal(new("closed", "authentication-expired", 401, null, 2), events[^2]);
    }
}
