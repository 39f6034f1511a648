namespace Comet.BrowserTests.Hosting;

/// <summary>What the site's feed carries.</summary>
public sealed record News(string Text)
{
    internal const string Stream = "/news/stream";
}
