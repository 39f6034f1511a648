namespace CometApp.Models;

/// <summary>What an error page says.</summary>
public sealed record ErrorPage(int Status, string Title, string Advice, string RequestId);
