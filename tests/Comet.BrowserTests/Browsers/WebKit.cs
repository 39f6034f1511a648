using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Comet.TestUtilities;

namespace Comet.BrowserTests.Browsers;

/// <summary>
/// WebKitGTK, by the protocol of WebDriver, on a display that nobody sees. On Debian: the packages webkit2gtk-driver, xvfb and xauth.
/// </summary>
public sealed class WebKit : IAsyncDisposable
{
    private static readonly string[] Commands = ["WebKitWebDriver", "xvfb-run", "xauth"];

    private Process? _driver;
    private HttpClient? _client;
    private string _session = "";

    /// <summary>Starts it where no test has yet.</summary>
    internal async Task StartAsync()
    {
        Absent.SkipWhen(
            Array.Exists(Commands, static command => !IsInstalled(command)), "WebKitGTK's driver, xvfb or xauth is not installed here.");
        if (_driver is not null)
        {
            return;
        }
        var port = FreePort();
        _driver = Process.Start(new ProcessStartInfo("xvfb-run", ["-a", "WebKitWebDriver", "--host=127.0.0.1", $"--port={port}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _driver.BeginOutputReadLine();
        _driver.BeginErrorReadLine();
        _client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/"), Timeout = Eventually.Patience };
        await Eventually.HoldsAsync(AnswersAsync, "WebKitWebDriver answers");
        var session = await SendAsync(HttpMethod.Post, "session", new
        {
            // A page whose plain frame has a stream is never loaded.
            capabilities = new { alwaysMatch = new { pageLoadStrategy = "none", timeouts = new { script = 5_000 } } },
        });
        _session = $"session/{session!["sessionId"]}/";
    }

    internal Task GoToAsync(string url) => SendAsync(HttpMethod.Post, _session + "url", new { url });

    internal Task GoBackAsync() => SendAsync(HttpMethod.Post, _session + "back", new { });

    /// <summary>Calls a function in the tab.</summary>
    internal async Task<T> EvaluateAsync<T>(string function, params object[] args) =>
        Checked(function, await ExecuteAsync(function, args)).Deserialize<T>(JsonSerializerOptions.Web)!;

    internal Task EvaluateAsync(string function, params object[] args) => EvaluateAsync<JsonNode?>(function, args);

    /// <summary>Waits until an expression is true in the tab, which may be on its way to another page, where it is an error.</summary>
    internal Task WaitForAsync(string expression) => Eventually.HoldsAsync(
        async () => await TryExecuteAsync($"() => Boolean({expression})") is (true, { } value) && (bool)value, expression);

    internal async Task<string> TabAsync() => (string)(await SendAsync(HttpMethod.Get, _session + "window", null))!;

    /// <summary>Opens another tab beside this one, and goes to it.</summary>
    internal async Task<string> OpenTabAsync()
    {
        var opened = await SendAsync(HttpMethod.Post, _session + "window/new", new { type = "tab" });
        var tab = (string)opened!["handle"]!;
        await SwitchToAsync(tab);
        return tab;
    }

    internal Task SwitchToAsync(string tab) => SendAsync(HttpMethod.Post, _session + "window", new { handle = tab });

    /// <summary>Closes this tab, and goes to another one.</summary>
    internal async Task CloseTabAsync(string next)
    {
        await SendAsync(HttpMethod.Delete, _session + "window", null);
        await SwitchToAsync(next);
    }

    public async ValueTask DisposeAsync()
    {
        if (_session.Length > 0)
        {
            await SendAsync(HttpMethod.Delete, _session.TrimEnd('/'), null);
        }
        _client?.Dispose();
        _driver?.Kill(entireProcessTree: true);
        _driver?.Dispose();
    }

    private async Task<bool> AnswersAsync()
    {
        Assert.False(_driver!.HasExited, "WebKitWebDriver has ended.");
        try
        {
            await SendAsync(HttpMethod.Get, "status", null);
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private Task<(bool IsDone, JsonNode? Value)> ExecuteAsync(string function, object[] args, CancellationToken cancellation = default) =>
        TrySendAsync(
            HttpMethod.Post,
            _session + "execute/sync",
            new { script = $"return ({function})(...arguments);", args },
            cancellation);

    // A page that is left meanwhile goes to the back/forward cache, and never answers.
    private async Task<(bool IsDone, JsonNode? Value)> TryExecuteAsync(string function)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            return await ExecuteAsync(function, [], patience.Token);
        }
        catch (OperationCanceledException)
        {
            return (false, null);
        }
    }

    private async Task<JsonNode?> SendAsync(HttpMethod method, string path, object? body) =>
        Checked(path, await TrySendAsync(method, path, body));

    private async Task<(bool IsDone, JsonNode? Value)> TrySendAsync(
        HttpMethod method, string path, object? body, CancellationToken cancellation = default)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = JsonContent.Create(body);
            await request.Content.LoadIntoBufferAsync(); // the driver takes no chunks
        }
        using var answer = await _client!.SendAsync(request, cancellation);
        return (answer.IsSuccessStatusCode, (await answer.Content.ReadFromJsonAsync<JsonNode>())!["value"]);
    }

    private static JsonNode? Checked(string what, (bool IsDone, JsonNode? Value) answer)
    {
        Assert.True(answer.IsDone, $"{what}: {answer.Value}");
        return answer.Value;
    }

    private static bool IsInstalled(string command) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, command)));

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
