using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Comet.AspNetCore.Testing;
using CometTemplate.Tests.Package;

namespace CometTemplate.Tests.Apps;

/// <summary>A generated app in a process of its own, on a port that nobody else has.</summary>
internal sealed partial class RunningApp : IAsyncDisposable
{
    /// <summary>No answer of an app should take this long, beside builds of others.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static readonly string[] SecurityHeaders =
    [
        "X-Frame-Options", "X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy",
        "Permissions-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy",
    ];

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private RunningApp(ProcessStartInfo start)
    {
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Add(line.Data);
        _process.ErrorDataReceived += (_, line) => Add(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Follows no redirects.</summary>
    internal HttpClient Client { get; } =
        new(new SocketsHttpHandler { AllowAutoRedirect = false, ResponseDrainTimeout = TimeSpan.Zero }) { Timeout = Patience };

    /// <summary>What it has written so far.</summary>
    internal string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Starts what a build of the app gave, as <c>dotnet run</c> would.</summary>
    internal static Task<RunningApp> StartAsync(GeneratedApp app, params (string Name, string Value)[] environment) =>
        StartAsync(app.ProjectFolder, app.Assembly, [("ASPNETCORE_ENVIRONMENT", "Development"), .. environment]);

    /// <summary>Starts an assembly in a folder.</summary>
    internal static Task<RunningApp> StartAsync(string folder, string assembly, params (string Name, string Value)[] environment)
    {
        var start = Describe(folder, assembly);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }
        return StartAsync(start, Patience);
    }

    /// <summary>A start of an assembly in a folder.</summary>
    internal static ProcessStartInfo Describe(string folder, string assembly)
    {
        var start = Tool.Describe(folder, "dotnet", assembly);
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        return start;
    }

    /// <summary>Starts a command that runs an app, at once or after other work.</summary>
    internal static async Task<RunningApp> StartAsync(ProcessStartInfo start, TimeSpan patience)
    {
        var app = new RunningApp(start);
        try
        {
            app.Client.BaseAddress = await app._address.Task.WaitAsync(patience);
            return app;
        }
        catch (Exception exception) when (exception is TimeoutException or InvalidOperationException)
        {
            await app.DisposeAsync();
            throw new InvalidOperationException($"{string.Join(' ', start.ArgumentList)} did not start:\n{app.Output}", exception);
        }
    }

    /// <summary>Its pages and files are there, asked for by GET or by HEAD, and all have the security headers.</summary>
    internal async Task AssertAnswersAsync()
    {
        foreach (var (path, status) in new[]
        {
            ("/", 200), ("/clock", 200), ("/vitals", 200), ("/announcements", 200), ("/health/live", 200), ("/health/ready", 200),
            ("/css/site.css", 200), ("/_content/Comet.AspNetCore/comet.js", 200), ("/nothing", 404),
        })
        {
            await AssertAnswersHeadAsync(path, status);
            using var response = await Client.GetAsync(path);
            Assert.Equal((path, status), (path, (int)response.StatusCode));
            Assert.All(SecurityHeaders, header => Assert.True(response.Headers.Contains(header), $"{path} has no {header}."));
            // What an app does not find where it was started is served empty.
            Assert.True((await response.Content.ReadAsByteArrayAsync()).Length > 0, $"{path} is empty.");
        }
        foreach (var stream in new[] { "/clock/stream", "/vitals/stream", "/announcements/stream", "/live/stream" })
        {
            await AssertAnswersHeadAsync(stream);
        }
    }

    internal async Task AssertAnswersHeadAsync(string path, int status = 200)
    {
        using var request = new HttpRequestMessage(HttpMethod.Head, path);
        using var response = await Client.SendAsync(request);
        Assert.Equal((path, status), (path, (int)response.StatusCode));
    }

    /// <summary>The clock ticks, and the stream of several feeds says of which a message is.</summary>
    internal async Task AssertStreamsAsync()
    {
        var ticks = await ReadAsync("/clock/stream", 5);
        Assert.All(ticks, tick => Assert.Equal("parent.clockChanged", tick.Callback));
        Assert.All(ticks, tick => Assert.Matches(@"^\d\d \d\d \d\d$", tick.Value.GetString()));
        var vitals = Assert.Single(await ReadAsync("/live/stream", 1));
        Assert.Equal(("parent.received", "vitals"), (vitals.Callback, vitals.Feed));
    }

    /// <summary>The first messages of a stream that have a value.</summary>
    internal async Task<List<CometMessage>> ReadAsync(string path, int count, string? lastEventId = null)
    {
        using var deadline = new CancellationTokenSource(Patience);
        var messages = new List<CometMessage>();
        await foreach (var message in CometReader.ReadAsync(Client, path, lastEventId: lastEventId, cancellationToken: deadline.Token))
        {
            if (message.Kind == CometMessageKind.Message)
            {
                messages.Add(message);
            }
            if (messages.Count == count)
            {
                return messages;
            }
        }
        throw new InvalidOperationException($"{path} ended after {messages.Count} messages.");
    }

    /// <summary>Posts an announcement by the form of its page.</summary>
    internal Task AnnounceAsync(string text) => PostAsync("/announcements", text);

    /// <summary>Posts a text by the form of a page, which leads back to it.</summary>
    internal async Task PostAsync(string path, string text)
    {
        using var response = await SubmitAsync(path, path, text);
        Assert.Equal((HttpStatusCode.Found, path), (response.StatusCode, response.Headers.Location?.OriginalString));
    }

    /// <summary>Posts a text with the token of a page's form.</summary>
    internal async Task<HttpResponseMessage> SubmitAsync(string formPage, string path, string text)
    {
        var page = await Client.GetStringAsync(formPage);
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["Text"] = text,
            ["__RequestVerificationToken"] = Token().Match(page).Groups[1].Value,
        });
        return await Client.PostAsync(path, form);
    }

    private void Add(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }
        if (line is null)
        {
            _address.TrySetException(new InvalidOperationException("It ended."));
        }
        else if (Listening().Match(line) is { Success: true } match)
        {
            _address.TrySetResult(new Uri(match.Groups[1].Value));
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    [GeneratedRegex("name=\"__RequestVerificationToken\" type=\"hidden\" value=\"([^\"]*)\"")]
    private static partial Regex Token();

    [GeneratedRegex(@"Now listening on: (http://(?:127\.0\.0\.1|localhost):\d+)")]
    private static partial Regex Listening();
}
