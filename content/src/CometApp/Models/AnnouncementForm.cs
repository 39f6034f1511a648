using System.ComponentModel.DataAnnotations;
using Comet.AspNetCore;
using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace CometApp.Models;

/// <summary>What the form posts, and what its page shows below it.</summary>
public sealed class AnnouncementForm
{
    public const int MaxLength = 280;

    [Required(ErrorMessage = "Write something first.")]
    [StringLength(MaxLength, ErrorMessage = "An announcement has at most {1} characters.")]
    public string? Text { get; set; }

    /// <summary>The newest announcements; null: they cannot be read right now.</summary>
    [BindNever]
    public FeedSnapshot<Announcement>? Newest { get; set; }
}
