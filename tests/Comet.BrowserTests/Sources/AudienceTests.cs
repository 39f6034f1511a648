using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Playwright;

namespace Comet.BrowserTests.Sources;

/// <summary>
/// Who signs in in a browser where another user did reads nothing of the first one's, though tabs share their connections.
/// </summary>
[Trait("Category", "Matrix")]
public sealed class AudienceTests(TestBrowsers browsers) : IAsyncDisposable
{
    private const string Stream = "/test/streams/mine";

    private readonly Site _site = new(SignIn.AddByCookie);

    public ValueTask DisposeAsync() => _site.DisposeAsync();

    [Fact]
    public async Task Each_users_tabs_share_a_connection_of_their_own()
    {
        await using var profile = await browsers.OpenProfileAsync();
        await SignInAsync(profile, "anna");
        var annas = new[] { await OpenTabAsync(profile), await OpenTabAsync(profile) };
        await Task.WhenAll(annas.Select(reader => reader.WaitForMessagesAsync(3)));
        await Eventually.HoldsAsync(() => _site.OpenStreams() == 1, "one open stream");

        await SignInAsync(profile, "bert");
        var berts = new[] { await OpenTabAsync(profile), await OpenTabAsync(profile) };
        await Task.WhenAll(berts.Select(reader => reader.WaitForMessagesAsync(10)));
        await Eventually.HoldsAsync(() => _site.OpenStreams() == 2, "two open streams");

        Assert.All(await ReadAsync(berts), value => Assert.Equal("bert", value));
        Assert.All(await ReadAsync(annas), value => Assert.Equal("anna", value)); // their stream was opened for her
    }

    [Fact]
    public async Task Tabs_that_come_back_after_another_user_has_signed_in_read_that_users_stream()
    {
        await using var network = new TcpProxy(_site.Url);
        await using var profile = await browsers.OpenProfileAsync();
        await SignInAsync(profile, "anna");
        var readers = new[] { await OpenTabAsync(profile, network.Url), await OpenTabAsync(profile, network.Url) };
        await Task.WhenAll(readers.Select(reader => reader.WaitForMessagesAsync(3)));
        await Eventually.HoldsAsync(() => _site.OpenStreams() == 1, "one open stream");

        await SignInAsync(profile, "bert");
        network.Cut();

        await Task.WhenAll(readers.Select(reader => reader.Page.WaitForFunctionAsync("() => reader.values.at(-1) === 'bert'")));
        await Eventually.HoldsAsync(() => _site.OpenStreams() == 1, "one open stream");
        foreach (var reader in readers)
        {
            Assert.DoesNotContain("anna", (await reader.ValuesAsync<string>()).SkipWhile(value => value == "anna"));
        }
    }

    private Task<Reader> OpenTabAsync(IBrowserContext profile, string? url = null) =>
        profile.OpenTabAsync(url ?? _site.Url, stream: Stream);

    private Task SignInAsync(IBrowserContext profile, string name) =>
        profile.AddCookiesAsync([new() { Name = SignIn.Cookie, Value = name, Url = _site.Url }]);

    private static async Task<IEnumerable<string>> ReadAsync(Reader[] readers) =>
        (await Task.WhenAll(readers.Select(reader => reader.ValuesAsync<string>()))).SelectMany(values => values);
}
