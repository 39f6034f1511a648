namespace CometApp.Models;

/// <summary>What an error page says.</summary>
/// <param name="Details">The exception, in Development only.</param>
public sealed record ErrorPage(int Status, string Title, string Advice, string RequestId, string? Details);
